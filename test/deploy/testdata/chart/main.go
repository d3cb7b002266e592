// Command chart checks a Helm chart and prints the objects that it makes of values, each as JSON on a line. It does what
// "helm lint --strict" and "helm template" do, and decodes the objects into the types of Kubernetes, which may have no
// other fields. It uses the packages of Helm: to build the command helm takes a third longer.
//
//	chart deploy/helm/yroom values.yaml…
package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/lint/support"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"
)

func main() {
	if err := run(os.Args[1], os.Args[2:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "chart:", err)
		os.Exit(1)
	}
}

// run writes the manifests of a chart with the values of some files.
func run(dir string, files []string, to io.Writer) error {
	values := map[string]any{}
	for _, name := range files {
		file, err := os.Open(name) //nolint:gosec // the caller names it
		if err != nil {
			return err
		}
		more, err := loader.LoadValues(file)
		if err := errors.Join(err, file.Close()); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		values = loader.MergeMaps(values, more)
	}
	var faults []error
	for _, m := range lint.RunAll(dir, values, "default").Messages {
		if m.Severity >= support.WarningSev {
			faults = append(faults, m)
		}
	}
	chart, err := loader.Load(dir)
	if err != nil {
		return errors.Join(append(faults, err)...)
	}
	release := common.ReleaseOptions{Name: "yroom", Namespace: "default", IsInstall: true}
	all, err := util.ToRenderValues(chart, values, release, common.DefaultCapabilities)
	if err != nil {
		return errors.Join(append(faults, err)...)
	}
	rendered, err := engine.Render(chart, all)
	if err != nil {
		return errors.Join(append(faults, err)...)
	}
	for _, name := range slices.Sorted(maps.Keys(rendered)) {
		if path.Ext(name) != ".yaml" {
			continue
		}
		for manifest := range strings.SplitSeq("\n"+rendered[name], "\n---\n") {
			if strings.TrimSpace(manifest) == "" {
				continue
			}
			if err := decode(manifest); err != nil {
				faults = append(faults, fmt.Errorf("%s: %w\n%s", name, err, manifest))
			}
			object, err := yaml.YAMLToJSON([]byte(manifest))
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if _, err := fmt.Fprintf(to, "%s\n", object); err != nil {
				return err
			}
		}
	}
	return errors.Join(faults...)
}

// decode decodes a manifest. A field that its type doesn't have is an error.
func decode(manifest string) error {
	strict := json.NewSerializerWithOptions(json.DefaultMetaFactory, scheme.Scheme, scheme.Scheme, json.SerializerOptions{Yaml: true, Strict: true})
	_, kind, err := strict.Decode([]byte(manifest), nil, nil)
	if kind != nil && kind.Kind == "ServiceMonitor" { // a type of the Prometheus Operator
		return nil
	}
	return err
}
