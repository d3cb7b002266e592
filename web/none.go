//go:build !demo

// Package web holds the demo editors and the pages about rooms. build.mjs builds
// them into dist, and a build with the tag "demo" embeds them.
package web

import "io/fs"

// Built returns nil: this build has no tag "demo", and so no editors.
func Built() fs.FS { return nil }
