package api

import (
	"encoding/json"
	"fmt"
	"math"
	"mime"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/goccy/go-yaml"
)

// openAPI is the description, and records which parts of it were confirmed by an
// exchange.
type openAPI struct {
	t    *testing.T
	root node

	mu   sync.Mutex
	seen map[string]bool
}

// node is an object of the description.
type node map[string]any

func readDescription(t *testing.T) *openAPI {
	t.Helper()
	d := &openAPI{t: t, seen: map[string]bool{}}
	if err := yaml.Unmarshal(description, &d.root); err != nil {
		t.Fatal(err)
	}
	return d
}

// at follows keys from n. It returns nil if there is no such value.
func (d *openAPI) at(n node, keys ...string) node {
	for _, key := range keys {
		n = d.object(n[key])
	}
	return n
}

// object returns the object that value is or refers to.
func (d *openAPI) object(value any) node {
	n := node{}
	switch value := value.(type) {
	case map[string]any:
		n = value
	case node:
		n = value
	}
	if ref, ok := n["$ref"].(string); ok {
		return d.at(d.root, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
	}
	return n
}

// operation returns the description of a request, and its path in the description.
func (d *openAPI) operation(r *http.Request) (path, op node, template string) {
	given := strings.Split(r.URL.EscapedPath(), "/")
	for template := range d.at(d.root, "paths") {
		segments := strings.Split(template, "/")
		if slices.EqualFunc(segments, given, func(s, g string) bool { return s == g || strings.HasPrefix(s, "{") }) {
			path := d.at(d.root, "paths", template)
			return path, d.at(path, strings.ToLower(r.Method)), template
		}
	}
	return nil, nil, ""
}

// parametersOf returns the parameters of an operation by their locations and names.
func (d *openAPI) parametersOf(path, op node) map[string]node {
	all := map[string]node{}
	for _, of := range []node{path, op} {
		list, _ := of["parameters"].([]any)
		for _, p := range list {
			parameter := d.object(p)
			all[fmt.Sprint(parameter["in"], " ", parameter["name"])] = parameter
		}
	}
	return all
}

// check compares an exchange with the description.
func (d *openAPI) check(r *http.Request, resp *http.Response, body []byte) {
	d.t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	path, op, template := d.operation(r)
	where := fmt.Sprintf("%s %s: %d", r.Method, r.URL, resp.StatusCode)
	if template == "" {
		if resp.StatusCode != http.StatusNotFound && resp.StatusCode != http.StatusUnauthorized {
			d.t.Errorf("%s, but the address is not described", where)
		}
		return
	}
	if len(op) == 0 {
		d.checkMethod(where, path, resp)
		return
	}
	name := r.Method + " " + template
	response := d.at(op, "responses", fmt.Sprint(resp.StatusCode))
	if len(response) == 0 {
		d.t.Errorf("%s is not described", where)
	}
	for header := range d.at(response, "headers") {
		if resp.Header.Get(header) == "" {
			d.t.Errorf("%s lacks the header %s", where, header)
		}
	}
	mediaType, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	content := d.at(response, "content")
	switch _, described := content[mediaType]; {
	case len(content) == 0 && (mediaType != "" || len(body) > 0):
		d.t.Errorf("%s has a body of %q, which is not described", where, mediaType)
	case len(content) > 0 && !described:
		d.t.Errorf("%s has a body of %q, which is not described", where, mediaType)
	case strings.HasSuffix(mediaType, "json") && r.Method != http.MethodHead:
		var value any
		err := json.Unmarshal(body, &value)
		if err == nil {
			err = d.conforms(d.at(content, mediaType, "schema"), value)
		}
		if err != nil {
			d.t.Errorf("%s: %v in %s", where, err, body)
		}
	}
	d.seen[strings.TrimSpace(fmt.Sprint(name, " ", resp.StatusCode, " ", mediaType))] = true
	d.checkRequest(where, name, d.parametersOf(path, op), d.at(op, "requestBody", "content"), r, resp.StatusCode)
}

// checkMethod checks the response to a method that an address doesn't have.
func (d *openAPI) checkMethod(where string, path node, resp *http.Response) {
	d.t.Helper()
	var methods []string
	for key := range path {
		if key != "parameters" {
			methods = append(methods, strings.ToUpper(key))
		}
	}
	slices.Sort(methods)
	if allow := strings.Join(methods, ", "); resp.StatusCode != http.StatusUnauthorized && (resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != allow) {
		d.t.Errorf("%s, Allow: %s, but the methods that are described are %s", where, resp.Header.Get("Allow"), allow)
	}
}

// checkRequest checks the parameters and the body of a request that was not refused
// because of them.
func (d *openAPI) checkRequest(where, name string, parameters map[string]node, content node, r *http.Request, status int) {
	d.t.Helper()
	for key, values := range r.URL.Query() {
		p, ok := parameters["query "+key]
		for _, value := range values {
			allowed, isEnum := d.at(p, "schema")["enum"].([]any)
			if status != http.StatusBadRequest && (!ok || isEnum && !slices.Contains(allowed, any(value))) {
				d.t.Errorf("%s: the parameter %s=%s is not described", where, key, value)
			}
			d.seen[name+" query "+key] = true
			d.seen[name+" query "+key+"="+value] = true
		}
	}
	for key := range r.Header {
		d.seen[name+" header "+key] = true
	}
	if mediaType := r.Header.Get("Content-Type"); mediaType != "" && status/100 == 2 {
		if _, ok := content[mediaType]; !ok {
			d.t.Errorf("%s: a body of %q is not described", where, mediaType)
		}
		d.seen[name+" takes "+mediaType] = true
	}
}

// conforms checks a value against a schema. It supports the part of JSON Schema that
// the description uses.
func (d *openAPI) conforms(schema any, value any) error {
	s := d.object(schema)
	if want, ok := s["const"]; ok && value != want {
		return fmt.Errorf("%v, want %v", value, want)
	}
	if allowed, ok := s["enum"].([]any); ok && !slices.Contains(allowed, value) {
		return fmt.Errorf("%v, want one of %v", value, allowed)
	}
	is := ""
	switch value := value.(type) {
	case string:
		is = "string"
	case float64:
		is = "integer"
		if s["type"] == "number" || value != math.Trunc(value) {
			is = "number"
		}
	case []any:
		is = "array"
		for _, item := range value {
			if err := d.conforms(s["items"], item); err != nil {
				return err
			}
		}
	case map[string]any:
		is = "object"
		required, _ := s["required"].([]any)
		for _, key := range required {
			if _, ok := value[key.(string)]; !ok {
				return fmt.Errorf("%v is missing", key)
			}
		}
		for key, member := range value {
			property, ok := d.at(s, "properties")[key]
			if !ok && s["additionalProperties"] == false {
				return fmt.Errorf("%s is not described", key)
			}
			if err := d.conforms(property, member); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
		}
	}
	if want, ok := s["type"]; ok && want != is {
		return fmt.Errorf("%v is not of type %s", value, want)
	}
	return nil
}

// checkSeen reports what is described but was never seen.
func (d *openAPI) checkSeen() {
	d.t.Helper()
	var want []string
	for template := range d.at(d.root, "paths") {
		path := d.at(d.root, "paths", template)
		for method := range path {
			if method == "parameters" {
				continue
			}
			op := d.at(path, method)
			name := strings.ToUpper(method) + " " + template
			for status := range d.at(op, "responses") {
				content := d.at(op, "responses", status, "content")
				if len(content) == 0 {
					want = append(want, name+" "+status)
				}
				for mediaType := range content {
					want = append(want, name+" "+status+" "+mediaType)
				}
			}
			for key, p := range d.parametersOf(path, op) {
				if p["in"] != "path" {
					want = append(want, name+" "+key)
				}
				values, _ := d.at(p, "schema")["enum"].([]any)
				for _, value := range values {
					want = append(want, fmt.Sprint(name, " ", key, "=", value))
				}
			}
			for mediaType := range d.at(op, "requestBody", "content") {
				want = append(want, name+" takes "+mediaType)
			}
		}
	}
	if len(want) < 80 {
		d.t.Errorf("found only %d described items", len(want))
	}
	slices.Sort(want)
	for _, one := range want {
		if !d.seen[strings.Replace(one, "header Last-Event-ID", "header Last-Event-Id", 1)] {
			d.t.Errorf("described, but not seen: %s", one)
		}
	}
}
