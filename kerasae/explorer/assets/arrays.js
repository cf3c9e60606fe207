/** The arrays of the page, as `kerasae/explorer/packing.py` stored them. */
class Arrays {
  /**
   * @param {{type: string, size: number, at: number, step?: number}[]} table
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

  make({ type, size, at, step }) {
    if (type === "uint8") return new Uint8Array(this.buffer, at, size);
    if (type === "float32") return new Float32Array(this.buffer, at, size);
    return Float32Array.from(new Int16Array(this.buffer, at, size), (value) => value * step);
  }

  /** The arrays of a block of base64 text. */
  static async read(table, text) {
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    const inflated = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Arrays(table, await new Response(inflated).arrayBuffer());
  }
}
