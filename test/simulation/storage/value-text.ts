/** Values in a simulation are a short name, then padding: the name is all that matters. */

const padding = '.';

export function paddedValue(name: string, bytesMin: number): Uint8Array {
  const text = name.padEnd(bytesMin, padding);
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index += 1) bytes[index] = text.charCodeAt(index);
  return bytes;
}

export function valueText(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) {
    const character = String.fromCharCode(byte);
    if (character === padding) break;
    text += character;
  }
  return text;
}
