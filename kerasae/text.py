"""Cards as text: for the terminal, and as the table of entries in Markdown."""

import math

BEGIN, END = "<!-- entries -->", "<!-- /entries -->"
# What a figure is called, and how many decimals it is shown with. All but accuracies are better when lower.
FIGURES = {
    "mse": ("MSE", 5),
    "bce": ("BCE", 4),
    "denoised_mse": ("MSE of the cleaned", 5),
    "denoised_bce": ("BCE of the cleaned", 4),
    "negative_elbo": ("−ELBO", 1),
    "reconstruction_loss": ("reconstruction", 1),
    "kl_loss": ("KL", 1),
    "rms_distance": ("RMS distance to the curve", 4),
    "fresh_mse": ("MSE, fresh noise", 5),
    "angle_to_pca": ("angle to PCA's line", 3),
    "mean_absolute_code": ("mean absolute code", 2),
    "forest_accuracy": ("forest accuracy", 3),
    "sample_distance": ("sample distance", 2),
    "class_accuracy": ("samples recognised", 3),
    "mmd_to_prior": ("MMD² to the prior", 4),
}


def figure(key: str, value: float) -> str:
    """A figure with its name and as many decimals as mean something."""
    return f"{FIGURES[key][0]} {number(key, value)}"


def number(key: str, value: float) -> str:
    """A figure's value alone."""
    return f"{value:.{FIGURES[key][1]}f}"


def card(metadata: dict) -> str:
    """An entry's card for the terminal."""
    limits = metadata["input"]["range"]
    recipe = metadata["recipe"]
    lines = [
        f"{metadata['name']}: {metadata['description']}",
        "",
        f"  class       kerasae.models.{metadata['class']}, {metadata['parameters']:,} parameters",
        f"  source      {metadata['source']}",
        f"  input       {_batch_of(metadata['input']['shape'])} {metadata['input']['dtype']}"
        + (f" in [{limits[0]:g}, {limits[1]:g}]" if limits else ""),
        f"  code        {_batch_of(metadata['code']['shape'])}: {metadata['code']['size']} for "
        f"{math.prod(metadata['input']['shape'])} numbers",
        f"  trained on  {metadata['data']}, {recipe['epochs']} epochs of batches of {recipe['batch_size']}, "
        f"Adam {recipe['learning_rate']:g} ({recipe['decay']}), seed {metadata['seed']}, "
        f"{metadata['schedule']} recipe, on {metadata['versions']['backend']}",
        "",
    ]
    lines += [f"  {figure(key, value)}" for key, value in metadata["figures"].items()]
    for baseline, figures in metadata["baselines"].items():
        if figures:
            lines += ["", f"  {baseline_name(baseline, metadata)}:"]
            lines += [f"    {figure(key, value)}" for key, value in figures.items()]
    for reference in metadata.get("references", ()):
        lines += ["", f"  {reference['source']}:", f"    {figure(reference['key'], reference['value'])}"]
    return "\n".join(lines)


def _batch_of(shape: list[int]) -> str:
    return f"(n, {', '.join(map(str, shape))})"


def table(cards: list[dict]) -> str:
    """The table of entries, in Markdown."""
    rows = ["| entry | what it is | code | parameters | figure | baseline |", "|---|---|---|---|---|---|"]
    for metadata in cards:
        key, figures = metadata["headline"], metadata["figures"]
        shown = [figure(key, figures[key])] + ([figure("mse", figures["mse"])] if key != "mse" else [])
        cells = (
            f"`{metadata['name']}`",
            metadata["description"],
            str(metadata["code"]["size"]),
            f"{metadata['parameters']:,}",
            ", ".join(shown),
            _compared(metadata),
        )
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _compared(metadata: dict) -> str:
    """PCA by the headline's figure, else by its MSE, and the other baselines that have the headline's figure."""
    headline, shown = metadata["headline"], []
    for baseline, figures in metadata["baselines"].items():
        key = headline if headline in figures else "mse" if baseline == "pca" else None
        if key:
            shown.append(f"{baseline_name(baseline, metadata)}: {figure(key, figures[key])}")
    return "; ".join(shown)


def baseline_name(baseline: str, metadata: dict) -> str:
    """What a baseline is called beside an entry: `PCA-16` where its code has 16 numbers."""
    if baseline != "pca":
        return baseline
    return f"PCA-{min(metadata['code']['size'], math.prod(metadata['input']['shape']))}"


def with_table(document: str, cards: list[dict]) -> str:
    """The document with the table of entries between its markers.

    Raises:
        ValueError: The markers are not there.
    """
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"No place for the table: expected a line {BEGIN} and, after it, a line {END}.")
    return f"{before}{BEGIN}\n{table(cards)}\n{END}{after}"
