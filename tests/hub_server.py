"""A hub on 127.0.0.1 with the part of the protocol of `huggingface_hub` that `push`, `pull` and Keras use."""

import base64
import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote


class Hub:
    """Repositories in memory.

    Attributes:
        files: The files of each repository: `{repo: {name: bytes}}`.
        broken: Name of a file whose downloads end half-way, or None.
        requests: Method and path of every request.
    """

    def __init__(self):
        self.files: dict[str, dict[str, bytes]] = {}
        self.broken: str | None = None
        self.requests: list[str] = []
        self.blobs: dict[str, bytes] = {}
        hub = self

        class Handler(_Handler):
            server_hub = hub

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def commit(self, repo):
        """Commit of a repository: a hash of its content."""
        return hashlib.sha1(repr(sorted(self.files[repo].items())).encode()).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    server_hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_HEAD(self):
        self.answer()

    do_GET = do_POST = do_PUT = do_HEAD

    def answer(self):
        hub, path = self.server_hub, unquote(self.path.split("?")[0])
        hub.requests.append(f"{self.command} {path}")
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        for pattern, method in _ROUTES:
            if found := re.fullmatch(pattern, path):
                return method(self, hub, *found.groups())
        return self.error(404, "EntryNotFound")

    def send(self, content, code=200, **headers):
        content = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(code)
        for key, value in {"Content-Length": len(content), **headers}.items():
            self.send_header(key.replace("_", "-"), str(value))
        self.end_headers()
        return content

    def reply(self, content, **headers):
        content = self.send(content, **headers)
        if self.command != "HEAD":
            self.wfile.write(content)

    def error(self, code, kind):
        self.reply({"error": kind}, code=code, X_Error_Code=kind)

    def create(self, hub):
        asked = json.loads(self.body)
        repo = f"{asked.get('organization') or 'ada'}/{asked['name']}"
        hub.files.setdefault(repo, {})
        self.reply({"url": f"{hub.url}/{repo}", "id": repo})

    def validate(self, hub):
        self.reply({"errors": [], "warnings": []})

    def info(self, hub, repo, *_):
        if repo not in hub.files:
            return self.error(404, "RepoNotFound")
        files = [{"rfilename": name, "size": len(content)} for name, content in hub.files[repo].items()]
        return self.reply({"id": repo, "modelId": repo, "sha": hub.commit(repo), "siblings": files, "private": False})

    def tree(self, hub, repo, _):
        files = hub.files[repo].items()
        self.reply([{"type": "file", "path": n, "size": len(c), "oid": _etag(c)} for n, c in files])

    def preupload(self, hub, repo):
        asked = json.loads(self.body)["files"]
        modes = {True: "lfs", False: "regular"}
        self.reply({"files": [_mode(file["path"], modes[file["path"].endswith(".h5")]) for file in asked]})

    def batch(self, hub, repo):
        objects = json.loads(self.body)["objects"]
        actions = [{**o, "actions": {"upload": {"href": f"{hub.url}/blobs/{o['oid']}"}}} for o in objects]
        self.reply({"transfer": "basic", "objects": actions}, Content_Type="application/vnd.git-lfs+json")

    def blob(self, hub, oid):
        assert hashlib.sha256(self.body).hexdigest() == oid
        hub.blobs[oid] = self.body
        self.reply(b"")

    def receive(self, hub, repo):
        files = hub.files[repo]
        for line in map(json.loads, self.body.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = hub.blobs[value["oid"]]
            elif line["key"] == "deletedFile":
                del files[value["path"]]
        self.reply({"commitUrl": f"{hub.url}/{repo}/commit/{hub.commit(repo)}", "commitOid": hub.commit(repo)})

    def resolve(self, hub, repo, _, name):
        if name not in hub.files.get(repo, {}):
            return self.error(404, "EntryNotFound")
        content = hub.files[repo][name]
        headers = {"ETag": f'"{_etag(content)}"', "X_Repo_Commit": hub.commit(repo), "Accept_Ranges": "bytes"}
        code, whole = 200, content
        if asked := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or ""):
            start = int(asked[1])
            code, content = 206, whole[start:]
            headers["Content_Range"] = f"bytes {start}-{len(whole) - 1}/{len(whole)}"
        if hub.broken != name or self.command == "HEAD":
            return self.reply(content, code=code, **headers)
        self.send(content, code=code, **headers)
        self.wfile.write(content[: len(content) // 2])
        self.close_connection = True
        return None


_REPO = r"([\w.-]+/[\w.-]+)"
_ROUTES = (
    (r"/api/repos/create", _Handler.create),
    (r"/api/validate-yaml", _Handler.validate),
    (rf"/api/models/{_REPO}", _Handler.info),
    (rf"/api/models/{_REPO}/revision/([\w.-]+)", _Handler.info),
    (rf"/api/models/{_REPO}/tree/([\w.-]+)", _Handler.tree),
    (rf"/api/models/{_REPO}/preupload/main", _Handler.preupload),
    (rf"/{_REPO}\.git/info/lfs/objects/batch", _Handler.batch),
    (r"/blobs/(\w+)", _Handler.blob),
    (rf"/api/models/{_REPO}/commit/main", _Handler.receive),
    (rf"/{_REPO}/resolve/([\w.-]+)/(.+)", _Handler.resolve),
)


def _mode(path, mode):
    return {"path": path, "uploadMode": mode, "shouldIgnore": False}


def _etag(content):
    return hashlib.sha1(content).hexdigest()
