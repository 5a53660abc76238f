#!/bin/sh
# Builds the images of the labs' nodes with the docker that answers, on the image of bgpnet that `image/build.sh` made:
# `make lab-images` runs both. BASE (environment) is an image of Debian 12 to stand on instead of the one made there.
set -eu
docker info >/dev/null 2>&1 || { echo "no docker answers: start Docker, which containerlab needs as well" >&2; exit 1; }
for image in vm frr bird openbgpd gobgp bgpnet; do
    docker build --quiet --build-arg "BASE=${BASE:-bgpnet-base}" --build-arg "PRODUCT=$1" \
        --target "$image" --tag "$image" "$(dirname "$0")" >/dev/null
    echo "built $image"
done
