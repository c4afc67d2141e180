// Package tools reads what other programs will run with the readers that these
// programs have themselves.
package tools

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	release "github.com/goreleaser/goreleaser/v2/pkg/config"
	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/deb"
	"github.com/goreleaser/nfpm/v2/files"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// The Compose files fit the specification, every file they mount is there, and no
// port of theirs is open to other machines.
func TestCompose(t *testing.T) {
	for _, name := range []string{"compose.yaml", "compose.php.yaml"} {
		opts, err := cli.NewProjectOptions([]string{filepath.Join("..", name)}, cli.WithOsEnv)
		if err != nil {
			t.Fatal(err)
		}
		p, err := opts.LoadProject(context.Background())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, s := range p.Services {
			for _, port := range s.Ports {
				if port.HostIP != "127.0.0.1" {
					t.Errorf("%s: %s publishes %s on %q: in a sandbox anybody can pay", name, s.Name, port.Published, port.HostIP)
				}
			}
			for _, v := range s.Volumes {
				if _, err := os.Stat(v.Source); v.Type == "bind" && err != nil {
					t.Errorf("%s: %s mounts %v", name, s.Name, err)
				}
			}
			if s.Build != nil {
				if _, err := os.Stat(filepath.Join(s.Build.Context, s.Build.Dockerfile)); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	}
}

// BuildKit understands the Dockerfile, and what it makes is not root's, has its
// ledger on a volume and is asked for its health by the program itself.
func TestDockerfile(t *testing.T) {
	f, err := os.Open("../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	tree, err := parser.Parse(f)
	if err != nil {
		t.Fatal(err)
	}
	stages, _, err := instructions.Parse(tree.AST, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(stages) != 2 || len(tree.Warnings) > 0 {
		t.Fatalf("%d stages, %v", len(stages), tree.Warnings)
	}
	if base := stages[1].BaseName; !strings.HasPrefix(base, "gcr.io/distroless/static") {
		t.Errorf("it is made of %s", base)
	}
	seen := map[string]string{}
	for _, c := range stages[1].Commands {
		switch c := c.(type) {
		case *instructions.UserCommand:
			seen["user"] = c.User
		case *instructions.VolumeCommand:
			seen["volume"] = strings.Join(c.Volumes, " ")
		case *instructions.HealthCheckCommand:
			seen["health"] = strings.Join(c.Health.Test, " ")
		case *instructions.EntrypointCommand:
			seen["entry"] = strings.Join(c.CmdLine, " ")
		case *instructions.RunCommand:
			t.Error("there is no shell to run anything with")
		}
	}
	want := map[string]string{
		"user": "65532:65532", "volume": "/data", "entry": "/usr/bin/caddy",
		"health": "CMD /usr/bin/caddy payments status --ready",
	}
	if !reflect.DeepEqual(seen, want) {
		t.Errorf("%v, want %v", seen, want)
	}
}

// goreleaser takes its file, and makes what the manual promises of it.
func TestGoreleaser(t *testing.T) {
	p := project(t)
	b := p.Builds[0]
	if !slices.Equal(b.Goos, []string{"linux", "darwin", "windows"}) || !slices.Equal(b.Goarch, []string{"amd64", "arm64"}) {
		t.Errorf("%v %v", b.Goos, b.Goarch)
	}
	for _, b := range p.Builds {
		if !strings.Contains(strings.Join(b.Ldflags, " "), "caddy/v2.CustomVersion=caddy-payments {{ .Version }}") {
			t.Errorf("%s has no version: %v", b.ID, b.Ldflags)
		}
		if !slices.Contains(b.Env, "CGO_ENABLED=0") {
			t.Errorf("%s is no static program", b.ID)
		}
	}
	if p.Checksum.Algorithm != "sha256" || len(p.SBOMs) != 1 || p.SBOMs[0].Artifacts != "archive" {
		t.Errorf("%+v %+v", p.Checksum, p.SBOMs)
	}
}

func project(t *testing.T) release.Project {
	t.Helper()
	p, err := release.Load("../../.goreleaser.yaml") // unknown names are errors
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// The package that a release makes and the one that anybody can make are the same.
func TestPackages(t *testing.T) {
	t.Setenv("ARCH", "amd64")
	t.Setenv("VERSION", "1.2.3")
	b, err := os.ReadFile("../nfpm.yaml")
	if err != nil {
		t.Fatal(err)
	}
	byHand, err := nfpm.ParseWithEnvMapping(strings.NewReader(string(b)), os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	var ours files.Contents
	for _, c := range byHand.Contents {
		if c.Destination != "/usr/bin/caddy-payments" { // the release's own build, beside its bindir
			ours = append(ours, c)
		}
	}
	made := project(t).NFPMs[0]
	var got, want []string
	for _, c := range ours {
		want = append(want, c.Source+" "+c.Destination+" "+c.Type)
	}
	for _, c := range made.Contents {
		got = append(got, c.Source+" "+c.Destination+" "+c.Type)
	}
	if !slices.Equal(got, want) {
		t.Errorf("a release packs %q, nfpm.yaml %q", got, want)
	}
	if made.PackageName != byHand.Name || made.Bindir != "/usr/bin" || made.Description != byHand.Description ||
		!slices.Equal(made.Dependencies, byHand.Depends) || !slices.Equal(made.Recommends, byHand.Recommends) ||
		made.Scripts.PostInstall != byHand.Scripts.PostInstall || made.Scripts.PreRemove != byHand.Scripts.PreRemove || made.Scripts.PostRemove != byHand.Scripts.PostRemove {
		t.Errorf("the packages differ: %+v", made)
	}
	for _, c := range made.Contents {
		if _, err := os.Stat(filepath.Join("../..", c.Source)); err != nil {
			t.Error(err)
		}
	}
}
