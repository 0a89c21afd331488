"""A real control plane of Kubernetes: etcd, API server, controllers, scheduler; kwok plays the node.

Pods get scheduled and are said to run; nothing is executed in them.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import tools
from typing_extensions import Self

from tradewise_otel.tools.ports import free_ports

PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok", "kubectl")
TOKEN = "a-token-of-this-test"
NODE = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {
        "name": "node-0",
        "labels": {"kubernetes.io/os": "linux", "kubernetes.io/hostname": "node-0"},
    },
    "status": {
        "allocatable": {"cpu": "32", "memory": "256Gi", "pods": "110"},
        "capacity": {"cpu": "32", "memory": "256Gi", "pods": "110"},
    },
}


def missing() -> list[str]:
    """The programs that have not been built."""
    return [name for name in PROGRAMS if tools.find(name) is None]


class Cluster:
    """One control plane. A context manager.

    Attributes:
        kubeconfig: for helm and kubectl.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: list[subprocess.Popen[bytes]] = []
        self.kubeconfig = folder / "kubeconfig"

    def kubectl(self, *words: object, manifest: Any = None) -> str:
        """What `kubectl …` prints; `manifest` goes to its standard input."""
        command = [tools.find("kubectl"), "--kubeconfig", self.kubeconfig, *words]
        done = subprocess.run(
            [str(word) for word in command],
            input=json.dumps(manifest) if manifest is not None else None,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def get(self, kind: str, namespace: str) -> list[dict[str, Any]]:
        """All objects of a kind in a namespace."""
        found: list[dict[str, Any]] = json.loads(self.kubectl("get", kind, "-n", namespace, "-o", "json"))[
            "items"
        ]
        return found

    def __enter__(self) -> Self:
        etcd, peer, api = free_ports(3)
        self._write_keys(api)
        self._start("etcd", "--data-dir", self._folder / "etcd", *_etcd(etcd, peer))
        self._start("kube-apiserver", *self._api_server(etcd, api))
        self._wait(lambda: self.kubectl("get", "--raw", "/readyz"))
        common = ["--kubeconfig", self.kubeconfig, "--leader-elect=false", "--authentication-skip-lookup"]
        key = ["--service-account-private-key-file", self._folder / "sa.key"]
        self._start("kube-controller-manager", *common, "--secure-port=0", *key)
        self._start("kube-scheduler", *common, "--secure-port=0")
        self._start("kwok", "--kubeconfig", self.kubeconfig, "--manage-all-nodes=true")
        self.kubectl("apply", "-f", "-", manifest=NODE)
        self._wait(lambda: self.kubectl("get", "serviceaccount", "default", "-n", "default"))
        return self

    def __exit__(self, *_error: object) -> None:
        # Nothing of it is needed any more, and an API server waits for an etcd that is gone.
        for process in reversed(self._running):
            process.kill()
            process.wait()

    def _write_keys(self, api: int) -> None:
        key, public = self._folder / "sa.key", self._folder / "sa.pub"
        subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
        subprocess.run(
            ["openssl", "rsa", "-in", key, "-pubout", "-out", public], check=True, capture_output=True
        )
        (self._folder / "tokens.csv").write_text(f"{TOKEN},admin,admin,system:masters\n")
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": "c",
                    "cluster": {"server": f"https://127.0.0.1:{api}", "insecure-skip-tls-verify": True},
                }
            ],
            "users": [{"name": "u", "user": {"token": TOKEN}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
        self.kubeconfig.write_text(json.dumps(config))

    def _api_server(self, etcd: int, api: int) -> list[object]:
        return [
            f"--etcd-servers=http://127.0.0.1:{etcd}",
            f"--service-account-key-file={self._folder / 'sa.pub'}",
            f"--service-account-signing-key-file={self._folder / 'sa.key'}",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-cluster-ip-range=10.0.0.0/24",
            f"--cert-dir={self._folder / 'certificates'}",
            f"--secure-port={api}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--token-auth-file={self._folder / 'tokens.csv'}",
            "--authorization-mode=Node,RBAC",
        ]

    def _start(self, name: str, *words: object) -> None:
        log = (self._folder / f"{name}.log").open("wb")
        command = [str(tools.find(name)), *(str(word) for word in words)]
        self._running.append(subprocess.Popen(command, stdout=log, stderr=log, env=dict(os.environ)))

    def _wait(self, asked: Any, seconds: float = 90) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                asked()
                return
            except AssertionError:
                assert time.monotonic() < deadline, f"no control plane; see {self._folder}"
                time.sleep(0.5)


def _etcd(client: int, peer: int) -> list[str]:
    urls = f"http://127.0.0.1:{client}", f"http://127.0.0.1:{peer}"
    return [
        f"--listen-client-urls={urls[0]}",
        f"--advertise-client-urls={urls[0]}",
        f"--listen-peer-urls={urls[1]}",
        f"--initial-advertise-peer-urls={urls[1]}",
        f"--initial-cluster=default={urls[1]}",
    ]
