# syntax=docker/dockerfile:1
# One image for the bot and the worker: `docker run … bardling run` and `… bardling worker`.
FROM python:3.12-slim AS build
WORKDIR /build
RUN python -m venv /opt/bardling
COPY requirements/wide.lock requirements/wide.lock
RUN /opt/bardling/bin/pip install --no-cache-dir --require-hashes -r requirements/wide.lock
COPY pyproject.toml README.md LICENSE ./
COPY bot bot
COPY cogs cogs
COPY config config
RUN /opt/bardling/bin/pip install --no-cache-dir --no-deps .

FROM python:3.12-slim
# ctransformers and llama.cpp compute with OpenMP
RUN apt-get update \
  && apt-get install -y --no-install-recommends libgomp1 \
  && rm -rf /var/lib/apt/lists/* \
  && useradd --system --create-home --home-dir /var/lib/bardling --uid 10001 bardling
COPY --from=build /opt/bardling /opt/bardling
ENV PATH=/opt/bardling/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    BARDLING_HOME=/var/lib/bardling \
    BARDLING_LOG=json
USER bardling
VOLUME /var/lib/bardling
STOPSIGNAL SIGTERM
ENTRYPOINT ["bardling"]
CMD ["run"]
