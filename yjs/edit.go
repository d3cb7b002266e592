package yjs
