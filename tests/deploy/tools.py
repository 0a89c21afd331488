"""The programs that the deployment is tested with: built once from source, into a cache outside the tree.

    python tests/deploy/tools.py [--all] [NAME ...]

Without names: those that every run of the tests needs (about 12 CPU minutes, once); `--all`: also a control
plane of Kubernetes, for `make test-deploy` (half an hour more). A program that is there is not built again;
its folder is named by its recipe.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

KUBERNETES = "v1.36.3"
_STAGED = (
    *("api", "apiextensions-apiserver", "apimachinery", "apiserver", "cli-runtime", "client-go"),
    *("cloud-provider", "cluster-bootstrap", "code-generator", "component-base", "component-helpers"),
    *("controller-manager", "cri-api", "cri-client", "cri-streaming", "csi-translation-lib"),
    *("dynamic-resource-allocation", "endpointslice", "externaljwt", "kms", "kube-aggregator"),
    *("kube-controller-manager", "kube-proxy", "kube-scheduler", "kubectl", "kubelet", "metrics"),
    *("mount-utils", "pod-security-admission", "sample-apiserver", "sample-cli-plugin"),
    *("sample-controller", "streaming"),
)


@dataclass(frozen=True)
class Tool:
    """One program.

    Attributes:
        package: what is built.
        module: the module and version that has it.
        replace: `old=new@version` lines of its own go.mod, which do not carry over.
        ldflags: for `go build`.
        slow: only for `make test-deploy`.
    """

    package: str
    module: str
    replace: tuple[str, ...] = ()
    ldflags: str = "-s -w"
    slow: bool = False
    needs: tuple[str, ...] = field(default=())

    @property
    def key(self) -> str:
        """What the program's folder is called."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:16]


_STAGING = tuple(f"k8s.io/{name}=k8s.io/{name}@v0{KUBERNETES[2:]}" for name in _STAGED)
_VERSION = " ".join(
    f"-X k8s.io/component-base/version.{name}={value}"
    for name, value in (("gitVersion", KUBERNETES), ("gitMajor", "1"), ("gitMinor", KUBERNETES.split(".")[1]))
)


def _kubernetes(command: str) -> Tool:
    return Tool(
        f"k8s.io/kubernetes/cmd/{command}",
        f"k8s.io/kubernetes/cmd/{command}@{KUBERNETES}",
        _STAGING,
        f"-s -w {_VERSION}",
        slow=True,
        needs=(f"k8s.io/kubernetes@{KUBERNETES}",),
    )


TOOLS: dict[str, Tool] = {
    "helm": Tool("helm.sh/helm/v4/cmd/helm", "helm.sh/helm/v4/cmd/helm@v4.3.1"),
    "helm-unittest": Tool(
        "github.com/helm-unittest/helm-unittest/cmd/helm-unittest",
        "github.com/helm-unittest/helm-unittest/cmd/helm-unittest@v1.1.2",
        ("github.com/vmware-labs/yaml-jsonpath=github.com/helm-unittest/yaml-jsonpath@v0.4.0",),
    ),
    "kubeconform": Tool(
        "github.com/yannh/kubeconform/cmd/kubeconform", "github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0"
    ),
    "docker-compose": Tool("github.com/docker/compose/v2/cmd", "github.com/docker/compose/v2/cmd@v2.40.3"),
    "etcd": Tool("go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3@v3.7.3", slow=True),
    "kwok": Tool("sigs.k8s.io/kwok/cmd/kwok", "sigs.k8s.io/kwok/cmd/kwok@v0.7.0", slow=True),
    "kubectl": _kubernetes("kubectl"),
    "kube-apiserver": _kubernetes("kube-apiserver"),
    "kube-controller-manager": _kubernetes("kube-controller-manager"),
    "kube-scheduler": _kubernetes("kube-scheduler"),
}


class ToolError(Exception):
    """A program that cannot be had, and why."""


def find(name: str) -> Path | None:
    """Where a program is, if it has been built."""
    path = _folder(name) / name
    return path if path.is_file() else None


def build(name: str) -> Path:
    """Build a program, if it is not there.

    Raises:
        ToolError: there is no Go, or it does not build; with the end of what was said.
    """
    target = _folder(name) / name
    if target.is_file():
        return target
    if not shutil.which("go"):
        raise ToolError("go: not found; the deployment's tests build their programs with Go 1.26 or newer")
    work = target.parent.with_suffix(".work")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    tool = TOOLS[name]
    _go(work, "mod", "init", "tools")
    for line in tool.replace:
        _go(work, "mod", "edit", "-replace", line)
    for module in tool.needs:
        _go(work, "mod", "edit", "-require", module)
    _go(work, "get", "-tool", tool.module)
    _go(work, "build", "-trimpath", "-ldflags", tool.ldflags, "-o", str(work / name), tool.package)
    target.parent.mkdir(parents=True, exist_ok=True)
    (work / name).replace(target)
    shutil.rmtree(work)
    return target


def main() -> int:
    """Build what was asked for; 1 if something cannot be had."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(TOOLS))
    parser.add_argument("--all", action="store_true", help="also the slow ones")
    options = parser.parse_args()
    names = options.names or [name for name, tool in TOOLS.items() if options.all or not tool.slow]
    for name in names:
        started = time.monotonic()
        try:
            path = build(name)
        except ToolError as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 1
        print(f"{name}: {path} ({time.monotonic() - started:.0f} s)", flush=True)
    return 0


def _folder(name: str) -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "tradewise-otel" / "deploy-tools" / f"{name}-{TOOLS[name].key}"


def _go(work: Path, *words: str) -> None:
    environ = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=mod -modcacherw -buildvcs=false"}
    environ["GOWORK"] = "off"
    done = subprocess.run(["go", *words], cwd=work, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ToolError(f"go {' '.join(words)}: {done.stderr[-2000:]}")


if __name__ == "__main__":
    sys.exit(main())
