"""A Hugging Face hub of two revisions, and loads from it, in a process of their own: the hub's client reads its
environment when it is imported.

python fake_hub.py FOLDER_OF_MAIN FOLDER_OF_V1, with HF_HOME set, prints what became of each load, as JSON.
"""

import hashlib
import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar, Dict, List, Optional, Tuple

ID = "owner/name"
COMMITS = {"main": "a" * 40, "v1": "b" * 40}


class Hub(BaseHTTPRequestHandler):
    """The requests that a download makes, with huggingface_hub 0.x and (`tree`) from 1.0 on."""

    files: ClassVar[Dict[str, Dict[str, bytes]]] = {}
    fetched: ClassVar[List[str]] = []

    def do_GET(self):
        self.answer(has_body=True)

    def do_HEAD(self):
        self.answer(has_body=False)

    is_silent: ClassVar[bool] = False
    never: ClassVar[threading.Event] = threading.Event()

    def answer(self, *, has_body: bool):
        if self.is_silent:
            self.never.wait()
        body, headers = self.find(self.path.split("?")[0])
        self.send_response(404 if body is None else 200)
        for name, value in {**headers, "Content-Length": str(len(body or b""))}.items():
            self.send_header(name, value)
        self.end_headers()
        if has_body and body is not None:
            self.wfile.write(body)

    def find(self, path: str) -> Tuple[Optional[bytes], Dict[str, str]]:
        for revision, commit in COMMITS.items():
            files = self.files[revision]
            if path in (f"/api/models/{ID}/revision/{revision}", f"/api/models/{ID}/revision/{commit}"):
                return json.dumps({"id": ID, "sha": commit, "siblings": [{"rfilename": f} for f in files]}).encode(), {}
            if path == f"/api/models/{ID}/tree/{commit}":
                rows = [{"type": "file", "path": f, "size": len(files[f]), "oid": _hash(files[f])} for f in files]
                return json.dumps(rows).encode(), {}
            name = path.removeprefix(f"/{ID}/resolve/{commit}/")
            if name in files:
                self.fetched.append(f"{revision}/{name}")
                return files[name], {"ETag": f'"{_hash(files[name])}"', "X-Repo-Commit": commit}
        return None, {}

    def log_message(self, *args):
        pass


def _hash(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.daemon_threads = True
    os.environ["HF_ENDPOINT"] = f"http://127.0.0.1:{server.server_address[1]}"
    from spacy_xlmr_ner import checkpoint_files  # reads HF_ENDPOINT
    from spacy_xlmr_ner.bulk.model_version import find_version
    from spacy_xlmr_ner.checkpoint import load_checkpoint

    for revision, folder in zip(COMMITS, sys.argv[1:]):
        Hub.files[revision] = {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}

    def load(name=ID, revision="main", local_files_only=False):
        try:
            return load_checkpoint(checkpoint_files.CheckpointSource(name, None, revision, local_files_only)).tags
        except Exception as err:
            return f"{type(err).__name__}: {err}"

    threading.Thread(target=server.serve_forever, daemon=True).start()
    answers = {"local files only, not here": load(local_files_only=True)}
    answers["branch"] = load()
    answers["version"] = find_version(ID)
    answers["tag"] = load(revision="v1")
    answers["commit"] = load(revision=COMMITS["v1"])
    answers["fetched"] = sorted(set(Hub.fetched))
    answers["no such revision"] = load(revision="v9")
    answers["no such id"] = load("owner/missing")
    Hub.is_silent, checkpoint_files.HUB_TIMEOUT = True, 0.5
    answers["silent hub, here already"] = load()
    answers["silent hub, not here"] = load("owner/missing")
    server.shutdown()
    server.socket.close()
    answers["no network, here already"] = load()
    answers["no network, not here"] = load("owner/missing")
    answers["local files only"] = load(local_files_only=True)
    print(json.dumps(answers))


if __name__ == "__main__":
    main()
