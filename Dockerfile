# asteroid-study for the CPU:
#   docker build -t asteroid-study .
#   docker run --rm -v "$PWD":/work --user "$(id -u):$(id -g)" asteroid-study run quickstart --out runs/quickstart
FROM python:3.11-slim AS build
WORKDIR /src
COPY . .
RUN python -m pip install --no-cache-dir build && python -m build --wheel --outdir /dist

FROM python:3.11-slim
# The CPU build of the version in constraints.txt; plain pip would fetch several GB of CUDA libraries.
COPY constraints.txt /tmp/constraints.txt
RUN python -m pip install --no-cache-dir "$(grep '^torch==' /tmp/constraints.txt)" \
      --index-url https://download.pytorch.org/whl/cpu
COPY --from=build /dist /tmp/dist
# procps: Ray looks at its processes with ps. HOME is where Ray and Matplotlib keep their files, whoever the user is.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends procps \
 && rm -rf /var/lib/apt/lists/* \
 && python -m pip install --no-cache-dir -c /tmp/constraints.txt /tmp/dist/*.whl \
 && rm -rf /tmp/dist /tmp/constraints.txt \
 && mkdir -m 1777 /home/user /work
ENV HOME=/home/user OMP_NUM_THREADS=1
WORKDIR /work
ENTRYPOINT ["asteroid-study"]
CMD ["--help"]
