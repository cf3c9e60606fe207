"""Measure the samples of samplers that are fitted to the codes of pretrained entries.

    KERAS_BACKEND=jax python benchmarks/sampling.py vae_mnist dense8_mnist
    python benchmarks/sampling.py --table docs/sampling.md

The first command chooses the number of components of each mixture on the last 5,000 training images, fits the samplers
to all training images, measures sample distances on the test images, and stores them in
`benchmarks/sampling/figures.json`; stored figures are not measured again. The second writes the page.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np

RECORD = Path(__file__).with_name("sampling") / "figures.json"
COMPONENTS = (10, 30, 100, 200, 400)
HELD_OUT = 5000
SHARED = ("gaussian", "nearest")  # samplers without a setting to choose


def measure(name: str) -> dict:
    """Sample distances of an entry: `held_out` by sampler, the chosen `components`, and `test` by sampler."""
    from kerasae import data, zoo
    from kerasae.metrics import classifier, frechet_distance

    model = zoo.load(name)
    dataset = data.named(zoo.card(name).data)
    network = classifier.find(dataset)
    kept = slice(len(dataset.x_train) - HELD_OUT)

    def distance(kind: str, fitted_to: slice, x, y, **settings) -> float:
        started = time.process_time()
        sampler = _fitted(model, kind, dataset.x_train[fitted_to], dataset.y_train[fitted_to], **settings)
        samples = sampler.generate(len(x), seed=0, label=None if model.classes is None else y)
        found = frechet_distance(network.features(samples), network.features(x))
        print(f"{name} {kind} {settings or ''} {found:.3f}, {time.process_time() - started:.0f} s of CPU", flush=True)
        return round(float(found), 4)

    held_out = dataset.x_train[-HELD_OUT:], dataset.y_train[-HELD_OUT:]
    known = stored().get(name, {"held_out": {"mixture": {}}, "components": 0, "test": {}})
    compared = {kind: known["held_out"].get(kind) or distance(kind, kept, *held_out) for kind in SHARED}
    before = known["held_out"]["mixture"]
    mixtures = {str(k): before.get(str(k)) or distance("mixture", kept, *held_out, components=k) for k in COMPONENTS}
    components = int(min(mixtures, key=mixtures.__getitem__))
    measured_on = slice(None), dataset.x_test, dataset.y_test
    test = {kind: known["test"].get(kind) or distance(kind, *measured_on) for kind in SHARED}
    if known["components"] == components:
        test["mixture"] = known["test"]["mixture"]
    else:
        test["mixture"] = distance("mixture", *measured_on, components=components)
    return {"held_out": compared | {"mixture": mixtures}, "components": components, "test": test}


def _fitted(model, kind: str, x: np.ndarray, y: np.ndarray, **settings):
    from kerasae import samplers

    return samplers.get(kind, **settings).fit(model, x, label=None if model.classes is None else y)


def stored() -> dict[str, dict]:
    """Stored figures by entry."""
    return json.loads(RECORD.read_text()) if RECORD.exists() else {}


_GUIDE = """# Sample from any autoencoder

A decoder generates well if its codes are drawn from where the codes of the data are. `kerasae.samplers` fits a
distribution to the codes of a trained autoencoder and decodes draws of it. Nothing is trained.

{finding}

## Fit, generate, save

```python
import kerasae
from kerasae import samplers

digits = kerasae.data.mnist()
model = kerasae.zoo.load("dense8_mnist")   # an ordinary autoencoder, which cannot generate by itself
sampler = samplers.GaussianMixture(10).fit(model, digits.x_train)
images = sampler.generate(100, seed=0)     # (100, 28, 28, 1)
codes = sampler.sample(100, seed=0)        # (100, 8), the codes of these images

sampler.save("digits.npz")                 # numbers only, nothing is pickled
sampler = samplers.load("digits.npz", model)
```

| sampler | draws codes from | use it |
|---|---|---|
| `Gaussian()` | a normal distribution with the mean and covariance of the codes | first: it has no setting |
| `GaussianMixture(components)` | a mixture of normal distributions (scikit-learn) | if codes form groups |
| `NearestCodes(neighbors)` | lines between codes and their nearest neighbors | if samples must be close to the data |

- **Model.** Any kerasae model: codes of any shape are flattened for the fit. For large codes, such as those of
  `conv32_mnist` with 1,568 values, use `NearestCodes`: a mixture would fit a matrix of 1,568 × 1,568 per component.
- **Variational models.** Draws of the posteriors are fitted, not their means, which are less spread out than the codes
  that the decoder was trained on.
- **Conditional models.** `fit(model, x, label=y)` fits one distribution per class; `generate(n, label=7)` uses it.
- **Vector-quantized models.** Drawn codes are replaced by the nearest vectors of the codebook.
- **Seeds.** The same seed gives the same codes from the same fitted arrays on every backend. A fit on another backend
  starts from codes that differ by rounding. Save the sampler to move it.
- **Choose the number of components on held-out data**, as below. More components come closer to single images.

At the command line, the sampler is fitted to the training images of the entry's data set, or to the inputs of
`--fit-to`. A saved one needs no fit:

```sh
kerasae generate dense8_mnist --sampler mixture --components 100 --n 64 --seed 0
kerasae generate dense8_mnist --sampler digits.npz --n 64
```

## Sample distances

The distance of 10,000 samples from the 10,000 test images, as on the [results page](results.md): lower is better. The
samplers were fitted to all training images. The number of components (in brackets) was chosen among those of the last
table by the distance of 5,000 samples from the last 5,000 training images, after a fit to the others. *Prior* is
N(0, I), on the entry's card; ordinary autoencoders have none. `NearestCodes` keeps 10,000 codes. Command:
`python benchmarks/sampling.py NAME`.

{table}

Training images have a distance of {real:.2f} from the test images, by the same measure.

### Held-out distances

An empty cell was not measured.

{held_out}
"""


def page(record: dict[str, dict]) -> str:
    """The page, in Markdown, from stored figures and the entries' cards."""
    from kerasae import zoo

    cards = {name: zoo.card(name) for name in record}
    priors = {name: card.figures.get("sample_distance") for name, card in cards.items()}
    rows = ["| entry | code | prior | Gaussian | nearest codes | mixture |", "|---|---|---|---|---|---|"]
    held = [f"| entry | Gaussian | nearest codes | {' | '.join(f'{k} components' for k in COMPONENTS)} |"]
    held += ["|---" * (3 + len(COMPONENTS)) + "|"]
    for name, found in record.items():
        test = found["test"]
        own = "" if priors[name] is None else f"{priors[name]:.2f}"
        mixture = f"{test['mixture']:.2f} ({found['components']})"
        size = cards[name].code.size
        rows += [f"| `{name}` | {size} | {own} | {test['gaussian']:.2f} | {test['nearest']:.2f} | {mixture} |"]
        before = found["held_out"]
        tried = [before["mixture"].get(str(k)) for k in COMPONENTS]  # a fit of many components takes minutes
        mixtures = " | ".join("" if distance is None else f"{distance:.2f}" for distance in tried)
        held += [f"| `{name}` | {before['gaussian']:.2f} | {before['nearest']:.2f} | {mixtures} |"]
    real = next(card.baselines["real"]["sample_distance"] for card in cards.values() if "real" in card.baselines)
    return _GUIDE.format(
        finding=finding(record, priors),
        table="\n".join(rows),
        held_out="\n".join(held),
        real=real,
    )


def finding(record: dict[str, dict], priors: dict[str, float | None]) -> str:
    """What the page says first: a mixture beside the prior of each entry."""
    lines = []
    for name, found in record.items():
        mixture, prior = found["test"]["mixture"], priors[name]
        if prior is None:
            lines.append(f"- `{name}` has no prior. Its sample distance with a mixture is {mixture:.2f}.")
        else:
            lines.append(
                f"- `{name}`: sample distance {mixture:.2f} with a mixture, {prior:.2f} with its prior N(0, I)."
            )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--table", type=Path, metavar="FILE", help="write the page of what was measured so far")
    arguments = parser.parse_args()
    for name in arguments.names:
        found = {name: measure(name)}
        record = stored() | found
        RECORD.parent.mkdir(exist_ok=True)
        RECORD.write_text(json.dumps(record, indent=1) + "\n")
    if arguments.table:
        arguments.table.write_text(page(stored()), encoding="utf-8")


if __name__ == "__main__":
    main()
