/** The arrays of the page, as `kerasae/explorer/packing.py` stored them. */
class Arrays {
  /**
   * @param {{type: string, size: number, at: number, steps?: number}[]} table
   * @param {ArrayBuffer} buffer
   */
  constructor(table, buffer) {
    this.table = table;
    this.buffer = buffer;
    this.made = new Map();
  }

  /** An array by its number: a Uint8Array, or a Float32Array. */
  get(number) {
    if (!this.made.has(number)) this.made.set(number, this.make(this.table[number]));
    return this.made.get(number);
  }

  make({ type, size, at, steps }) {
    if (type === "float32") return new Float32Array(this.buffer, at, size);
    if (type === "uint8") return new Uint8Array(this.buffer, at, size);
    // Integers of 16 or 24 bits, all high bytes first, times a step for each index of the last axis.
    const count = Number(type.slice(3)) / 8;
    const bytes = new Uint8Array(this.buffer, at, size * count);
    const [half, widths, out] = [2 ** (8 * count - 1), this.get(steps), new Float32Array(size)];
    for (let i = 0; i < size; i++) {
      let integer = 0;
      for (let plane = 0; plane < count; plane++) integer = 256 * integer + bytes[plane * size + i];
      out[i] = (integer - half) * widths[i % widths.length];
    }
    return out;
  }

  /** The arrays of a block of text. */
  static async read(table, text) {
    const inflated = new Blob([fromBase85(text)]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Arrays(table, await new Response(inflated).arrayBuffer());
  }
}

/** The bytes of a text in base 85, five characters for four bytes; the first character is the number of padding bytes. */
function fromBase85(text) {
  const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%.()*+-;,=>?@^_`{|}~";
  const values = new Uint8Array(128);
  for (let i = 0; i < 85; i++) values[digits.charCodeAt(i)] = i;
  const view = new DataView(new ArrayBuffer(((text.length - 1) / 5) * 4));
  for (let i = 1, at = 0; i < text.length; i += 5, at += 4) {
    let number = 0;
    for (let k = 0; k < 5; k++) number = 85 * number + values[text.charCodeAt(i + k)];
    view.setUint32(at, number);
  }
  return new Uint8Array(view.buffer, 0, view.byteLength - Number(text[0]));
}
