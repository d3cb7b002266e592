package main

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
)

// packChart makes the archive of the Helm chart, with the version of the release.
func (r *release) packChart() error {
	const folder = "deploy/helm/yroom"
	version := chartVersion(r.version)
	var files []file
	err := fs.WalkDir(os.DirFS(folder), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			if name == "ci" { // values for tests
				return fs.SkipDir
			}
			return err
		}
		data, err := os.ReadFile(folder + "/" + name)
		if name == "Chart.yaml" {
			data = regexp.MustCompile(`(?m)^(version|appVersion): .*$`).ReplaceAllFunc(data, func(line []byte) []byte {
				if strings.HasPrefix(string(line), "version") {
					return []byte("version: " + version)
				}
				return []byte(`appVersion: "` + r.version + `"`)
			})
		}
		files = append(files, file{name: name, data: data})
		return err
	})
	if err != nil {
		return err
	}
	data, err := tarred("yroom", files, r.when)
	if err != nil {
		return err
	}
	return r.write("yroom-chart-"+version+".tgz", data)
}

var semantic = regexp.MustCompile(`^v\d+\.\d+\.\d+(-[\w.-]+)?$`)

// chartVersion returns the version of the chart, which must be a semantic one.
func chartVersion(version string) string {
	if semantic.MatchString(version) {
		return version[1:]
	}
	return "0.0.0-" + version
}
