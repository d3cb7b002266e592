//go:build demo

// Package web is the demo editors, which build.mjs builds into dist.
package web

import (
	"embed"
	"io/fs"
)

//go:embed dist
var dist embed.FS

// Built is what build.mjs built: pages as NAME.html, and below static/ their
// files, whose names hold a hash of what is in them.
func Built() fs.FS {
	built, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // dist is a valid path
	}
	return built
}
