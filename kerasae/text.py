"""Cards as text: for the terminal, and as the table of entries in Markdown."""

import math

BEGIN, END = "<!-- entries -->", "<!-- /entries -->"
# What a figure is called, and how many decimals it is shown with.
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
}


def figure(key: str, value: float) -> str:
    """A figure with its name and as many decimals as mean something."""
    label, decimals = FIGURES[key]
    return f"{label} {value:.{decimals}f}"


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
        lines += ["", f"  {_baseline_name(baseline, metadata)}:"]
        lines += [f"    {figure(key, value)}" for key, value in figures.items()]
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
    """Each baseline by the headline's figure where it has that one, else by its MSE."""
    key = metadata["headline"]
    return "; ".join(
        f"{_baseline_name(name, metadata)}: {figure(*((key, value[key]) if key in value else ('mse', value['mse'])))}"
        for name, value in metadata["baselines"].items()
    )


def _baseline_name(baseline: str, metadata: dict) -> str:
    return f"PCA-{metadata['code']['size']}" if baseline == "pca" else baseline


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
