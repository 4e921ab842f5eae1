# One validator in a container: docker build -t jifen .   (docs/operating.md runs four of them)
#
# Nothing is installed that a lock does not name by hash, the sources stay behind in the first stage, and the node runs
# as a user of its own that may write to /data and nowhere else.

ARG PYTHON_VERSION=3.13

# --- the wheel, and an environment that holds it and the locked runtime dependencies
FROM python:${PYTHON_VERSION}-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /source
RUN python -m venv /opt/builder && python -m venv /opt/jifen

# The locks alone first: as long as they do not change, neither does this layer.
COPY requirements-build.lock requirements.lock ./
RUN /opt/builder/bin/pip install --require-hashes -r requirements-build.lock \
    && /opt/jifen/bin/pip install --require-hashes --only-binary :all: -r requirements.lock

COPY pyproject.toml README.md LICENSE ./
COPY node node
COPY graphql graphql
RUN /opt/builder/bin/python -m hatchling build -t wheel -d /wheels \
    && /opt/jifen/bin/pip install --no-deps --no-index /wheels/*.whl \
    && /opt/jifen/bin/python -m compileall -q /opt/jifen/lib \
    && /opt/jifen/bin/pip uninstall --yes pip

# --- what runs
FROM python:${PYTHON_VERSION}-slim
LABEL org.opencontainers.image.title="jifen" \
      org.opencontainers.image.description="A consortium ledger for the loyalty points of a mall and its merchants" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --gid 10001 jifen \
    && useradd --uid 10001 --gid jifen --home-dir /data --no-create-home --shell /usr/sbin/nologin jifen \
    && install -d -o jifen -g jifen -m 0700 /data
COPY --from=build /opt/jifen /opt/jifen
ENV PATH=/opt/jifen/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1

USER jifen
WORKDIR /data
VOLUME /data

# public API, links between validators, administrative API: the defaults of the first organization
EXPOSE 8080 8180 8280

# Whether the process lives and answers; not whether there is a leader, which restarting this container would not mend.
# JIFEN_URL says where the public API listens when that is not the default. (`jifen status` shows more, at ten times the cost.)
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.build_opener(r.ProxyHandler({})).open(os.environ.get('JIFEN_URL', 'http://127.0.0.1:8080') + '/healthz', timeout=4)"]

# SIGTERM is what `docker stop` sends and what the node stops cleanly on.
STOPSIGNAL SIGTERM
ENTRYPOINT ["jifen"]
CMD ["start", "--data", "/data"]
