package docsite

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"html/template"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/mod/semver"
)

var (
	//go:embed versions.html
	versionsHTML     string
	versionsTemplate = template.Must(template.New("versions.html").Parse(versionsHTML))
)

// Write writes the site into the folder of its version in a folder, and there lists all
// versions: index.html leads to the newest, and the pages offer the others.
func (s *Site) Write(folder string) error {
	names, err := s.Names()
	if err != nil {
		return err
	}
	for _, name := range names {
		content, err := s.File(name)
		if err != nil {
			return err
		}
		if err := write(filepath.Join(folder, s.version, filepath.FromSlash(name)), content); err != nil {
			return err
		}
	}
	return writeVersions(folder)
}

// write writes a file that everyone may read, as a web server needs it.
func write(name string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil { //nolint:gosec // as above
		return err
	}
	return os.WriteFile(name, content, 0o644) //nolint:gosec // as above
}

// writeVersions lists the versions that are in a folder.
func writeVersions(folder string) error {
	found, err := filepath.Glob(filepath.Join(folder, "*", "docs.js"))
	if err != nil {
		return err
	}
	var versions []string
	for _, name := range found {
		versions = append(versions, filepath.Base(filepath.Dir(name)))
	}
	slices.SortFunc(versions, newestFirst)
	pages := make([][]any, len(versions))
	for i, version := range versions {
		files, err := filepath.Glob(filepath.Join(folder, version, "*.html"))
		if err != nil {
			return err
		}
		for i, name := range files {
			files[i] = filepath.Base(name)
		}
		pages[i] = []any{version, files}
	}
	list, err := json.Marshal(pages)
	if err != nil {
		return err
	}
	if err := write(filepath.Join(folder, "versions.js"), slices.Concat([]byte("window.docsVersions = "), list, []byte("\n"))); err != nil {
		return err
	}
	var page bytes.Buffer
	if err := versionsTemplate.Execute(&page, versions); err != nil {
		return err
	}
	return write(filepath.Join(folder, "index.html"), page.Bytes())
}

// newestFirst orders versions: releases, then previews of releases, then all others.
func newestFirst(a, b string) int {
	return cmp.Or(rank(b)-rank(a), semver.Compare(b, a), cmp.Compare(b, a))
}

func rank(version string) int {
	switch {
	case !semver.IsValid(version):
		return 0
	case semver.Prerelease(version)+semver.Build(version) != "":
		return 1
	}
	return 2
}
