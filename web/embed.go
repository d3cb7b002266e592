//go:build demo

// Package web holds the demo editors and the pages about rooms. build.mjs builds
// them into dist, and a build with the tag "demo" embeds them.
package web

import (
	"embed"
	"io/fs"
)

//go:embed dist
var dist embed.FS

// Built returns the output of build.mjs: pages as NAME.html, and their files in
// static/, whose names contain a hash of the content.
func Built() fs.FS {
	built, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // dist is a valid path
	}
	return built
}
