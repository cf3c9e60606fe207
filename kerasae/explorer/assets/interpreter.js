/** What a Keras model computes, from the plan that `kerasae/explorer/graph.py` made of it. */
class Program {
  /**
   * @param {{sizes: number[], inputs: number[], operations: object[], outputs: number[]}} plan
   * @param {Arrays} arrays The weights.
   */
  constructor(plan, arrays) {
    this.plan = plan;
    this.values = plan.sizes.map(() => null);
    this.steps = plan.operations.map(({ kind, inputs, result, ...settings }) => {
      if (kind === "reshape") return () => (this.values[result] = this.values[inputs[0]]); // values keep their order
      this.values[result] = new Float32Array(plan.sizes[result]);
      const compute = OPERATIONS[kind](settings, arrays);
      return () => compute(inputs.map((i) => this.values[i]), this.values[result]);
    });
  }

  /**
   * @param {ArrayLike<number>[]} inputs One for each input of the model, without the batch axis, flattened.
   * @returns {Float32Array[]} Its outputs, in buffers that the next run reuses.
   */
  run(inputs) {
    this.plan.inputs.forEach((place, i) => (this.values[place] = Float32Array.from(inputs[i])));
    for (const step of this.steps) step();
    return this.plan.outputs.map((place) => this.values[place]);
  }
}
