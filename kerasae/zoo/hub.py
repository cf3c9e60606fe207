"""Share entries through the Hugging Face hub: `push`, `pull`, and names such as `hf://user/name`.

A repository has the files of an entry and a `README.md` generated from its card. Keras's own
`keras.saving.load_model("hf://user/name")` reads the same files. Downloads are untrusted: only known file names of
limited sizes are accepted, and their checksums must be those on the card. The package `huggingface_hub`
(`pip install kerasae[hub]`) is required; it caches downloads and resumes interrupted ones.
"""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

from kerasae import files
from kerasae.files import CONFIG, METADATA, WEIGHTS
from kerasae.zoo import store, writing
from kerasae.zoo.readme import MARK, readme
from kerasae.zoo.store import DETECTOR, FILES, GOLDEN, PREVIEW

README = "README.md"
LIMITS = {  # largest size of each file in bytes
    METADATA: files.MAX_CONFIG,
    CONFIG: files.MAX_CONFIG,
    WEIGHTS: 2**33,
    GOLDEN: 2**26,
    PREVIEW: 2**24,
    DETECTOR: 2**30,
}
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+").fullmatch


def push(directory: str | Path, repo: str, *, private: bool = False, token: str | None = None) -> str:
    """Upload an entry to the hub, in one commit.

    The repository is created if it does not exist. A `README.md` that kerasae did not write is kept.

    Args:
        directory: Directory of the entry, or name of an entry in the package.
        repo: Name of the repository, `user/name` or `hf://user/name`.
        private: Whether a new repository is private.
        token: Access token. Default: the one stored by `hf auth login`.

    Returns:
        URL of the repository.

    Raises:
        ValueError: If there is no such entry, its files do not match its card, or `repo` is not `user/name`.
        ImportError: If `huggingface_hub` is not installed.
        ConnectionError: If the hub cannot be reached or refuses. The repository is then unchanged.
    """
    repo, _ = repository(repo)
    hub = _hub()
    path = store.directory_of(directory)
    names = store.check_files(path, LIMITS)
    api = hub.HfApi(library_name="kerasae", token=token)
    with _errors(f"{directory} was not uploaded to {repo}, which is unchanged"):
        api.create_repo(repo, exist_ok=True, private=private)
        there = set(api.list_repo_files(repo))
        operations = [hub.CommitOperationAdd(name, str(path / name)) for name in names]
        operations += [hub.CommitOperationDelete(name) for name in FILES if name in there - set(names)]
        if README not in there or MARK in Path(api.hf_hub_download(repo, README)).read_text(encoding="utf-8"):
            content = readme(store.card(path), repo).encode("utf-8")
            operations.append(hub.CommitOperationAdd(README, content))
        commit = api.create_commit(repo, operations, commit_message=f"Entry {store.card(path).name}")
    return str(commit.repo_url)


def pull(repo: str, directory: str | Path, *, overwrite: bool = False, token: str | None = None) -> Path:
    """Download an entry to a directory. The directory appears only when all files are complete and match the card.

    Args:
        repo: Name of the repository, `user/name` or `hf://user/name`, optionally with `@revision`.
        directory: Directory of the entry.
        overwrite: Whether to replace an existing entry. Files that kerasae did not write are never replaced.
        token: As for `push`.

    Returns:
        The directory.

    Raises:
        FileExistsError: If the directory exists and `overwrite` is False, or it is not an entry written by kerasae.
        ValueError: If `repo` is not `user/name`, the repository does not exist or has no entry, or a file is missing,
            too large or does not match the card.
        ImportError: If `huggingface_hub` is not installed.
        ConnectionError: If the hub cannot be reached. Calling again resumes the download.
        OSError: If the directory cannot be written.
    """
    if Path(directory).exists() and not overwrite:
        raise FileExistsError(f"directory must be new. {directory} exists. Choose another, or pass `overwrite`.")
    writing.check_target(directory)
    found = fetch(repo, token)
    writing.copy(found, directory, store.check_files(found, LIMITS))
    return Path(directory)


def fetch(repo: str, token: str | None = None) -> Path:
    """Download an entry to the cache of `huggingface_hub`. Arguments and errors as for `pull`.

    Returns:
        Directory of the entry in the cache. Its files are validated when they are read.
    """
    name, revision = repository(repo)
    hub = _hub()
    api = hub.HfApi(library_name="kerasae", token=token)
    with _errors(f"hf://{name} was not downloaded; try again to resume"):
        with contextlib.suppress(hub.errors.OfflineModeIsEnabled, ConnectionError):  # then the cache is used
            _check_sizes(name, api.model_info(name, revision=revision, files_metadata=True).siblings or ())
        path = api.snapshot_download(name, revision=revision, allow_patterns=list(FILES))
    return Path(path)


def repository(repo: str) -> tuple[str, str | None]:
    """Split `hf://user/name@revision` into `user/name` and the revision (None for the newest).

    >>> repository("hf://ada/digits"), repository("ada/digits@v2")
    (('ada/digits', None), ('ada/digits', 'v2'))
    """
    name, at, revision = str(repo).removeprefix(store.HUB).partition("@")
    if not _REPOSITORY(name) or (at and not revision):
        raise ValueError(f"repo must be user/name, or hf://user/name. Received: {str(repo)[:100]!r}.")
    return name, revision or None


def _check_sizes(repo: str, siblings) -> None:
    """Raise ValueError if the repository has no card, or a file is too large."""
    sizes = {sibling.rfilename: sibling.size or 0 for sibling in siblings}
    if METADATA not in sizes:
        raise ValueError(
            f"hf://{repo} must have the files of an entry, which `kerasae push` uploads. It has no {METADATA}."
        )
    for name, limit in LIMITS.items():
        if sizes.get(name, 0) > limit:
            raise ValueError(f"{name} of hf://{repo} must have at most {limit:,} bytes. Received: {sizes[name]:,}.")


def _hub():
    try:
        import huggingface_hub
        import huggingface_hub.errors
    except ImportError as error:
        raise ImportError(
            "The hub needs the package huggingface_hub, which is not installed. Run `pip install kerasae[hub]`."
        ) from error
    return huggingface_hub


@contextlib.contextmanager
def _errors(outcome: str) -> Iterator[None]:
    """Convert errors of the client to ValueError (no such repository) or ConnectionError (all others)."""
    errors = _hub().errors
    try:
        yield
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError) as error:
        raise ValueError(
            f"{outcome}. There is no such repository, or it is private: check the name, or run `hf auth login`. "
            f"{files.brief(error)}"
        ) from error
    except ValueError:
        raise
    except Exception as error:  # the client and its dependencies raise many types
        raise ConnectionError(f"{outcome}. {files.brief(error)}") from error
