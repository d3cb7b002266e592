package main

import (
	"bytes"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
)

// bom is a list of what a program consists of, in the JSON of CycloneDX 1.6. It has no serial number and no time, so
// the same program has the same list.
type bom struct {
	Format     string      `json:"bomFormat"`
	Spec       string      `json:"specVersion"`
	Version    int         `json:"version"`
	Metadata   metadata    `json:"metadata"`
	Components []component `json:"components"`
}

type metadata struct {
	Component component `json:"component"`
}

type component struct {
	Type     string    `json:"type"`
	Ref      string    `json:"bom-ref"`
	Name     string    `json:"name"`
	Version  string    `json:"version"`
	Hashes   []hash    `json:"hashes,omitempty"`
	Licences []licence `json:"licenses,omitempty"`
	URL      string    `json:"purl"`
}

type hash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

type licence struct {
	Expression string `json:"expression"`
}

// sbom returns the list for a binary: the modules that it records, the standard library of Go, and the npm packages
// whose code is in the demo editors.
func sbom(version string, binary []byte) ([]byte, error) {
	info, err := buildinfo.Read(bytes.NewReader(binary))
	if err != nil {
		return nil, err
	}
	list := bom{Format: "CycloneDX", Spec: "1.6", Version: 1}
	list.Metadata.Component = newComponent("application", "golang", info.Main.Path, version)
	list.Metadata.Component.Licences = []licence{{"MIT"}}
	list.Components = append(list.Components, newComponent("library", "golang", "std", strings.TrimPrefix(info.GoVersion, "go")))
	for _, module := range info.Deps {
		if module.Replace != nil {
			module = module.Replace
		}
		list.Components = append(list.Components, newComponent("library", "golang", module.Path, module.Version))
	}
	packages, err := bundled()
	if err != nil {
		return nil, err
	}
	list.Components = append(list.Components, packages...)
	data, err := json.MarshalIndent(list, "", "  ")
	return append(data, '\n'), err
}

func newComponent(kind, registry, name, version string) component {
	url := "pkg:" + registry + "/" + strings.ReplaceAll(name, "@", "%40") + "@" + strings.ReplaceAll(version, "+", "%2B")
	return component{Type: kind, Ref: url, Name: name, Version: version, URL: url}
}

// heading matches the first line of each licence in the licences of the demo editors.
var heading = regexp.MustCompile(`(?:^|\n-{78}\n\n)(\S+) (\S+)\n`)

// locked is a package in package-lock.json.
type locked struct {
	Version   string `json:"version"`
	Integrity string `json:"integrity"`
	Licence   string `json:"license"`
}

// bundled returns the npm packages in the demo editors.
func bundled() (found []component, err error) {
	licences, err := os.ReadFile("web/dist/static/licences.txt")
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile("web/package-lock.json")
	if err != nil {
		return nil, err
	}
	var lock struct {
		Packages map[string]locked `json:"packages"`
	}
	if err := json.Unmarshal(text, &lock); err != nil {
		return nil, err
	}
	for _, m := range heading.FindAllSubmatch(licences, -1) {
		name, version := string(m[1]), string(m[2])
		at := lock.Packages["node_modules/"+name]
		if at.Version != version {
			return nil, fmt.Errorf("the demo editors have %s %s, and web/package-lock.json has %q: build them again", name, version, at.Version)
		}
		one := newComponent("library", "npm", name, version)
		one.Licences = []licence{{at.Licence}}
		algorithm, sum, _ := strings.Cut(at.Integrity, "-")
		content, err := base64.StdEncoding.DecodeString(sum)
		if err != nil || algorithm != "sha512" {
			return nil, fmt.Errorf("web/package-lock.json: %s has the checksum %q: want one of SHA-512", name, at.Integrity)
		}
		one.Hashes = []hash{{"SHA-512", hex.EncodeToString(content)}}
		found = append(found, one)
	}
	if len(found) == 0 {
		return nil, errors.New("web/dist/static/licences.txt names no packages: run make demos")
	}
	return found, nil
}
