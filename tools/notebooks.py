"""Execute notebooks and store their outputs: `python tools/notebooks.py notebooks/*.ipynb`.

Stored are texts and pictures, but no warnings, execution times or paths, so that a new execution changes little.
"""

import io
import resource
import sys
import time
from base64 import b64decode, b64encode
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image

COLORS, LARGE = 64, 45_000  # larger pictures, in bytes, are stored at half of their resolution


def execute(path: Path) -> nbformat.NotebookNode:
    """Run a notebook from its directory, with the environment of this process, and return it with outputs."""
    notebook = nbformat.read(path, as_version=4)
    place = {"metadata": {"path": path.parent}}
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources=place).execute()
    return notebook


def cleaned(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Leave out what differs between executions, join the printed lines of a cell, and shrink large pictures."""
    for number, cell in enumerate(notebook.cells):
        cell.id, cell.metadata = f"cell-{number}", {}
        if cell.cell_type == "code":
            cell.outputs = joined([output for output in cell.outputs if output.get("name") != "stderr"])
            for output in cell.outputs:
                if "image/png" in output.get("data", {}):
                    output.data["image/png"] = shrunk(output.data["image/png"])
    return notebook


def joined(outputs: Sequence) -> list:
    """The outputs with neighboring printed texts as one."""
    result: list = []
    for output in outputs:
        if result and output.output_type == result[-1].output_type == "stream":
            result[-1].text += output.text
        else:
            result.append(output)
    return result


def shrunk(encoded: str) -> str:
    """A PNG in Base64 with a palette of 64 colors, at half of its resolution if it is still large."""
    image = Image.open(io.BytesIO(b64decode(encoded))).convert("RGB")
    content = with_palette(image)
    if len(content) > LARGE:
        content = with_palette(image.resize((image.width // 2, image.height // 2), Image.Resampling.BOX))
    return b64encode(content).decode()


def with_palette(image: Image.Image) -> bytes:
    """An RGB image as a PNG file with a palette."""
    stored, method = io.BytesIO(), Image.Quantize.MAXCOVERAGE
    image.quantize(COLORS, method, kmeans=2, dither=Image.Dither.NONE).save(stored, format="png", optimize=True)
    return stored.getvalue()


def processor_time() -> float:
    """Seconds of CPU time of the processes that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


def main(paths: Sequence[str]) -> int:
    """Execute and store each notebook, and print how long it took and how large it is."""
    for path in map(Path, paths):
        begin, used = time.perf_counter(), processor_time()
        nbformat.write(cleaned(execute(path)), path)
        seconds = f"{time.perf_counter() - begin:.0f} s, {processor_time() - used:.0f} s of the CPU"
        print(f"{path}: {seconds}, {path.stat().st_size / 1000:.0f} kB", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
