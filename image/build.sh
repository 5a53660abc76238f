#!/usr/bin/env bash
# Builds the image, with the docker that answers, else with a dockerd of its own that ends with it.
#
#   image/build.sh [--own-dockerd] [--archive FILE] [TAG]
#
# --archive also writes the image as a tar that `docker load` and `ctr images import` read. TAG is bgpnet:VERSION when left
# out. BASE (environment) is an image to stand on instead of the one that image/base.sh makes. PYTHON is the interpreter
# with pip and hatchling, as `make setup` makes it: its version has to be the base's.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-$top/.venv/bin/python}
context=$top/build/image
own="" archive="" tag=""
while [ $# -gt 0 ]; do
    case $1 in
    --own-dockerd) own=1 ;;
    --archive) archive=$(realpath -m "$2") && shift ;;
    -*) echo "$0: there is no $1; usage: $0 [--own-dockerd] [--archive FILE] [TAG]" >&2 && exit 2 ;;
    *) tag=$1 ;;
    esac
    shift
done
version=$(cd "$top" && "$python" -c 'import bgpnet; print(bgpnet.__version__)')
tag=${tag:-bgpnet:$version}

mkdir -p "$context/wheels" "$context/shim"
if ! cmp -s "$top/image/requirements.txt" "$context/requirements.txt"; then
    echo "Fetching the wheels of image/requirements.txt"
    rm -f "$context"/wheels/* "$context/requirements.txt"
    "$python" -m pip download --quiet --only-binary :all: --require-hashes --dest "$context/wheels" -r "$top/image/requirements.txt"
    cp "$top/image/requirements.txt" "$context/"
fi
rm -f "$context"/wheels/bgpnet-*
"$python" -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir "$context/wheels" "$top"
for architecture in x86_64 aarch64; do
    install -D "$top/plugin/build/$architecture/bgpnet" "$context/shim/$architecture/bgpnet"
done

if [ -n "$own" ] || ! docker info >/dev/null 2>&1; then
    command -v dockerd >/dev/null || { echo "no docker answers, and there is no dockerd: apt-get install docker.io" >&2; exit 1; }
    daemon=$(mktemp -d "${TMPDIR:-/tmp}/bgpnet-image.XXXXXX")
    export DOCKER_HOST=unix://$daemon/docker.sock
    # A name of its own in the log; no bridge, no rules of packets: this host's network is none of its business.
    dockerd --host "$DOCKER_HOST" --data-root "$daemon/data" --exec-root "$daemon/exec" --pidfile "$daemon/pid" \
        --bridge none --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false >"$daemon/log" 2>&1 &
    pid=$!
    trap 'kill $pid 2>/dev/null; wait $pid || true; rm -rf "$daemon"' EXIT
    trap 'exit 1' INT TERM
    for _ in $(seq 300); do
        docker info >/dev/null 2>&1 && break
        kill -0 $pid 2>/dev/null || { tail -3 "$daemon/log" >&2; exit 1; }
        sleep 0.1
    done
fi
base=${BASE:-}
if [ -z "$base" ]; then
    base=bgpnet-base
    docker import "$("$top/image/base.sh")" "$base" >/dev/null
fi
docker build --quiet --network none --build-arg "BASE=$base" --build-arg "VERSION=$version" \
    --file "$top/image/Dockerfile" --tag "$tag" "$context" >/dev/null
echo "built $tag: $(($(docker image inspect --format '{{.Size}}' "$tag") / 1000000)) MB"
if [ -n "$archive" ]; then
    mkdir -p "$(dirname "$archive")"
    docker save "$tag" >"$archive.new"
    mv "$archive.new" "$archive"
    echo "wrote $archive"
fi
