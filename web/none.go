//go:build !demo

// Package web is the demo editors, which build.mjs builds into dist.
package web

import "io/fs"

// Built is nil: this build is without the demo editors.
func Built() fs.FS { return nil }
