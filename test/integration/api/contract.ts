/**
 * Holds real replies against the OpenAPI document: status, media type, headers and body must be what it
 * declares.
 */
import { expect } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { ValidateFunction } from 'ajv/dist/2020.js';
import { openApiDocument } from '../../../node/api/openapi.js';

interface HeaderObject {
  required?: boolean;
  schema: object;
}
interface ResponseObject {
  headers?: Record<string, HeaderObject>;
  content?: Record<string, { schema: object }>;
}
type Operations = Record<string, { responses?: Record<string, ResponseObject> } | undefined>;

const ajv = new Ajv2020({ strict: false });
ajv.addSchema({ $id: 'https://contract.test/', components: openApiDocument.components });
const validators = new Map<object, ValidateFunction>();

function validate(schema: object, value: unknown): void {
  let validator = validators.get(schema);
  if (validator === undefined) {
    const rooted = JSON.stringify(schema).replaceAll('"#/', '"https://contract.test/#/');
    validator = ajv.compile(JSON.parse(rooted) as object);
    validators.set(schema, validator);
  }
  const fits = validator(value);
  expect({ fits, value, errors: validator.errors }).toEqual({ fits: true, value, errors: null });
}

/** Checks the reply to `method` on the declared `path` and hands its body out. */
export async function checkReply(method: string, path: string, response: Response): Promise<Uint8Array> {
  const body = new Uint8Array(await response.arrayBuffer());
  const operations = (openApiDocument.paths as Record<string, Operations>)[path];
  // A method that is not declared is answered like one that is: with a problem that GET declares.
  const operation = operations?.[method.toLowerCase()] ?? operations?.get;
  const declared = operation?.responses?.[String(response.status)];
  if (declared === undefined) throw new Error(`${method} ${path} does not declare ${response.status}`);
  for (const [name, header] of Object.entries(declared.headers ?? {})) {
    const value = response.headers.get(name);
    if (value !== null) validate(header.schema, value);
    else expect({ name, required: header.required ?? false }).toEqual({ name, required: false });
  }
  if (declared.content === undefined || method === 'HEAD') expect(body).toHaveLength(0);
  else checkBody(declared.content, response, body);
  return body;
}

function checkBody(content: Record<string, { schema: object }>, response: Response, body: Uint8Array): void {
  const mediaType = response.headers.get('Content-Type')?.split(';')[0] ?? '';
  const declared = content[mediaType] ?? content['*/*'];
  expect({ mediaType, isDeclared: declared !== undefined }).toEqual({ mediaType, isDeclared: true });
  if (declared === undefined || declared === content['*/*']) return;
  const text = new TextDecoder().decode(body);
  validate(declared.schema, mediaType.endsWith('json') ? JSON.parse(text) : text);
}

export const kvPath = '/v1/kv/{key}';

/** The problem in a reply that must be one. */
export async function problemIn(
  method: string,
  path: string,
  response: Response,
): Promise<{ status: number; code: string; applied: string; detail: string; retryable: boolean }> {
  expect(response.headers.get('Content-Type')).toBe('application/problem+json');
  const body = await checkReply(method, path, response);
  return JSON.parse(new TextDecoder().decode(body)) as Awaited<ReturnType<typeof problemIn>>;
}
