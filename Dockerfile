# An image with nothing in it but the server with its demo editors, and licences. docs/install.md says how to run it.
FROM node:22-alpine AS web
WORKDIR /src/web
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN npm ci
COPY internal/webui/static /src/internal/webui/static
COPY web ./
RUN node build.mjs

FROM golang:1.26-alpine AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=web /src/web/dist web/dist
ARG VERSION=devel
RUN CGO_ENABLED=0 go build -trimpath -tags demo -ldflags "-s -w -X main.release=$VERSION" -o /out/yroom ./cmd/yroom
RUN scripts/licences "$(go env GOOS)/$(go env GOARCH)" >/out/licences.txt && mkdir /out/data

FROM scratch
COPY --from=build /out/yroom /out/licences.txt /
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
WORKDIR /data
VOLUME /data
EXPOSE 8000
ENTRYPOINT ["/yroom"]
CMD ["serve"]
