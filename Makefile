# Short names for what the scripts do. `make help` lists them.

.PHONY: help build demo deb deps test lint fuzz mutants ci clean

help: ## lists the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

build: ## builds ./caddy, with this module
	go build -o caddy ./cmd/caddy

demo: ## runs the demo shop
	@echo 'The first build takes some minutes and prints nothing.'
	go run ./cmd/caddy run --config examples/Caddyfile

deps: ## installs the programs that tests meet (apt)
	scripts/test --deps

test: ## runs all tests, and installs nothing
	NO_APT=1 scripts/test

deb: ## builds the Debian package of this machine's architecture, in dist/
	go -C packaging/tools build -o ../../bin/ github.com/goreleaser/nfpm/v2/cmd/nfpm
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o dist/linux_$$(go env GOARCH)/caddy ./cmd/caddy
	ARCH=$$(go env GOARCH) VERSION=$${VERSION:-0.0.0} bin/nfpm package -f packaging/nfpm.yaml -p deb -t dist/

lint: ## runs the linters, at the versions in tools/go.mod
	go vet ./...
	go -C tools build -o ../bin/ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	bin/golangci-lint run ./...

fuzz: ## fuzzes every reader of foreign input, a minute each
	scripts/fuzz

mutants: ## seeds known bugs, and shows which test notices each
	scripts/mutants

ci: ## does all that CI does
	.ci/run

clean: ## removes what the targets above have built
	rm -rf caddy bin
