/**
 * The live page over HTTP: its files, and the stream that keeps it up to date. It is read-only, loads nothing
 * from elsewhere, and cannot be framed or made to run anything that is not its own.
 */
import express from 'express';
import type { Request, Response, Router } from 'express';
import { readPageFiles } from './page-files.js';
import type { PageFile } from './page-files.js';
import type { Viewers } from './viewers.js';

export const streamPath = '/page/stream';

const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const safety = {
  'Content-Security-Policy': contentSecurityPolicy,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

const idLengthMax = 100;

/** `refuse` answers that there are too many viewers. */
export function pageRoutes(viewers: Viewers, refuse: (response: Response) => void): Router {
  const router = express.Router();
  let files: Map<string, PageFile> | null = null;
  router.get(streamPath, (request, response) => {
    response.set(safety);
    const { after } = request.query;
    const asked = request.get('Last-Event-ID') ?? (typeof after === 'string' ? after : '');
    if (!viewers.admit(request, response, asked.slice(0, idLengthMax))) refuse(response);
  });
  router.get(/^\/(page\/.*)?$/, (request, response, next) => {
    files ??= readPageFiles();
    const file = files.get(request.path);
    if (file === undefined) next();
    else sendFile(request, response, file);
  });
  return router;
}

function sendFile(request: Request, response: Response, file: PageFile): void {
  response.set({ ...safety, ETag: file.entityTag, 'Cache-Control': 'no-cache' });
  const known = request.get('If-None-Match')?.split(',') ?? [];
  if (known.some((tag) => tag.trim().replace(/^W\//, '') === file.entityTag)) {
    response.status(304).end();
    return;
  }
  response.set('Content-Type', file.contentType);
  response.send(file.content);
}
