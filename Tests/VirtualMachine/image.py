"""The guest's image, and what a test puts into it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Iterable

HERE = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("VIREO_VM_CACHE", HERE.parent.parent / ".build-vm"))

# In the guest these are links into /usr. A folder copied over a link is an error in the initramfs,
# where nobody reads the message.
LINKS_IN_THE_GUEST = ("bin", "sbin", "lib", "lib64")


class ImageError(RuntimeError):
    """The image could not be made; the text says what to do."""


@dataclass(frozen=True)
class Image:
    """The cached files. Nothing here writes to them."""

    kernel: Path
    initramfs: Path
    root: Path


def build_image() -> Image:
    """Runs image.sh, which answers at once when the image is cached."""
    built = subprocess.run([HERE / "image.sh"], stdout=subprocess.PIPE, text=True, check=False)
    if built.returncode != 0:
        raise ImageError(f"image.sh failed with {built.returncode}; its message is above")
    folder = Path(built.stdout.strip())
    return Image(folder / "vmlinuz", folder / "initrd.img", folder / "root.img")


def write_initramfs(image: Image, trees: Iterable[Path], destination: Path) -> None:
    """An initramfs whose init copies these root trees over the guest's root, later ones on top.

    The kernel unpacks archives that follow each other, so the trees are one more archive at the
    end, aligned to 4 bytes as the kernel's unpacker wants it.
    """
    with tempfile.TemporaryDirectory(prefix="vireo-tree-") as staging:
        tree = Path(staging) / "tree"
        for source in trees:
            _merge(source, tree)
        archive = _archive(Path(staging))
    base = image.initramfs.read_bytes()
    destination.write_bytes(base + bytes(-len(base) % 4) + archive)


def _merge(source: Path, tree: Path) -> None:
    if not source.is_dir():
        raise ImageError(f"{source} is no folder; a guest tree is laid out like /")
    for name in LINKS_IN_THE_GUEST:
        if (source / name).exists():
            raise ImageError(f"{source / name}: put it into usr/{name}, the guest is usr-merged")
    shutil.copytree(source, tree, symlinks=True, dirs_exist_ok=True)
    # A checkout under a strict umask must not make the guest's /etc unreadable to its users.
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)


def _archive(folder: Path) -> bytes:
    names = subprocess.run(["find", "tree", "-print0"], cwd=folder, capture_output=True, check=True)
    return subprocess.run(
        ["cpio", "--quiet", "--null", "-o", "-H", "newc", "-R", "0:0"],
        cwd=folder, input=names.stdout, capture_output=True, check=True,
    ).stdout
