/** What has to be there: for lookups that cannot fail unless the simulator itself is wrong. */
export function present<T>(value: T | null | undefined): T {
  if (value === undefined || value === null) throw new Error('something that must be there is missing');
  return value;
}
