/**
 * The names that one setting goes by. In code and in the file a time is `leaseMs`; since its value may carry
 * a unit, the short name `lease` is accepted everywhere and is the one that --help shows.
 *
 *   leaseMs   →  --lease, --lease-ms   KVORUM_LEASE, KVORUM_LEASE_MS   lease, leaseMs
 */

export const environmentPrefix = 'KVORUM_';

/** The names in the file, the one to show first. */
export function fileNames(key: string): string[] {
  return key.endsWith('Ms') ? [key.slice(0, -2), key] : [key];
}

export function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

export function flagNames(key: string): string[] {
  return fileNames(key).map((name) => `--${kebabCase(name)}`);
}

export function environmentNames(key: string): string[] {
  return fileNames(key).map((name) => environmentPrefix + kebabCase(name).replaceAll('-', '_').toUpperCase());
}
