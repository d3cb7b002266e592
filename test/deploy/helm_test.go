package deploy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/testkit"
)

const chart = "../../deploy/helm/yroom"

// object is an object of Kubernetes, as far as the tests know it. test/deploy/testdata/chart has checked
// that each field is one that Kubernetes knows.
type object struct {
	Kind     string
	Metadata metadata
	Data     map[string]string
	Spec     struct {
		Replicas       int
		MaxUnavailable int
		Selector       labels
		Template       struct {
			Metadata metadata
			Spec     pod
		}
		Ports []struct{ Name, TargetPort string }
		Rules []struct {
			HTTP struct{ Paths []struct{ Backend backend } }
		}
		JobLabel             string
		Endpoints            []struct{ Port string }
		VolumeClaimTemplates []struct{ Metadata metadata }
	}
}

type metadata struct {
	Name   string
	Labels labels
}

type backend struct {
	Service struct {
		Name string
		Port struct{ Name string }
	}
}

// labels are labels, or a selector of objects with these labels.
type labels map[string]string

// UnmarshalJSON reads labels, which selectors of most kinds have below matchLabels.
func (l *labels) UnmarshalJSON(data []byte) error {
	var below struct{ MatchLabels map[string]string }
	if err := json.Unmarshal(data, &below); err != nil {
		return err
	}
	if below.MatchLabels != nil {
		*l = below.MatchLabels
		return nil
	}
	return json.Unmarshal(data, (*map[string]string)(l))
}

// selects reports whether an object with the other labels is selected.
func (l labels) selects(other labels) bool {
	for key, value := range l {
		if other[key] != value {
			return false
		}
	}
	return len(l) > 0
}

type pod struct {
	AutomountServiceAccountToken  *bool
	EnableServiceLinks            *bool
	TerminationGracePeriodSeconds int
	SecurityContext               struct {
		RunAsNonRoot   bool
		RunAsUser      int
		FSGroup        int
		SeccompProfile struct{ Type string }
	}
	Containers []container
	Volumes    []struct {
		Name      string
		ConfigMap struct{ Name string }
		Secret    struct{ DefaultMode int }
	}
}

type container struct {
	Args                                        []string
	Env                                         []variable
	Ports                                       []port
	StartupProbe, ReadinessProbe, LivenessProbe probe
	VolumeMounts                                []struct{ Name, MountPath string }
	SecurityContext                             struct {
		AllowPrivilegeEscalation *bool
		ReadOnlyRootFilesystem   bool
		Capabilities             struct{ Drop []string }
	}
}

type port struct {
	Name          string
	ContainerPort int
}

type probe struct{ HTTPGet struct{ Path, Port string } }

type variable struct {
	Name, Value string
	ValueFrom   struct {
		SecretKeyRef     struct{ Name, Key string }
		ResourceFieldRef struct{ Resource string }
	}
}

// render returns the objects that the chart makes of files with values.
func render(t *testing.T, files ...string) (objects []object, err error) {
	t.Helper()
	testkit.File(t, "../../bin/chart", "make bin/chart")
	cmd := exec.CommandContext(t.Context(), "../../bin/chart", append([]string{chart}, files...)...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, &complaint)
	}
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var o object
		switch err := decoder.Decode(&o); {
		case errors.Is(err, io.EOF):
			return objects, nil
		case err != nil:
			t.Fatal(err)
		}
		objects = append(objects, o)
	}
}

// eachChart calls test with what the chart makes of each file in ci and of the values in the
// documentation.
func eachChart(t *testing.T, test func(t *testing.T, objects []object)) {
	files, err := filepath.Glob(chart + "/ci/*-values.yaml")
	if err != nil || len(files) < 4 {
		t.Fatalf("%d files with values (%v)", len(files), err)
	}
	for name, text := range map[string]string{"one": "secretFiles: yroom", "several": "mode: cluster"} {
		file := filepath.Join(t.TempDir(), "documented-"+name)
		write(t, file, block(t, "yml", text))
		files = append(files, file)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			objects, err := render(t, file)
			if err != nil {
				t.Fatal(err)
			}
			test(t, objects)
		})
	}
}

// workloads returns the objects that run pods.
func workloads(objects []object) (found []object) {
	for _, o := range objects {
		if len(o.Spec.Template.Spec.Containers) > 0 {
			found = append(found, o)
		}
	}
	return found
}

// flag returns the value of a flag of a container.
func (c container) flag(name string) string {
	for _, arg := range c.Args {
		if value, ok := strings.CutPrefix(arg, "--"+name+"="); ok {
			return value
		}
	}
	return ""
}

// Each pod has few rights, is asked for its health where its process answers, and has more
// time to end than its process takes.
func TestChartPods(t *testing.T) {
	eachChart(t, func(t *testing.T, objects []object) {
		found := workloads(objects)
		if len(found) == 0 {
			t.Error("the chart runs nothing")
		}
		for _, o := range found {
			p := o.Spec.Template.Spec
			c := p.Containers[0]
			name, role := o.Metadata.Name, c.Args[0]
			if s := p.SecurityContext; !s.RunAsNonRoot || s.RunAsUser != 65532 || s.FSGroup != 65532 || s.SeccompProfile.Type != "RuntimeDefault" {
				t.Errorf("%s runs as %+v", name, s)
			}
			if s := c.SecurityContext; s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || !s.ReadOnlyRootFilesystem || !slices.Equal(s.Capabilities.Drop, []string{"ALL"}) {
				t.Errorf("the container of %s has the rights %+v", name, s)
			}
			if p.AutomountServiceAccountToken == nil || *p.AutomountServiceAccountToken || p.EnableServiceLinks == nil || *p.EnableServiceLinks {
				t.Errorf("%s gets a token or variables of the cluster", name)
			}
			timeout, err := time.ParseDuration(c.flag("shutdown-timeout"))
			if grace := time.Duration(p.TerminationGracePeriodSeconds) * time.Second; err != nil || grace < timeout+5*time.Second {
				t.Errorf("%s is killed after %v, and may shut down for %v (%v)", name, grace, timeout, err)
			}
			listens := map[string]string{"health": c.flag("health"), "http": c.flag("listen"), "metrics": c.flag("metrics-listen")}
			if role == "worker" {
				listens = map[string]string{"health": c.flag("listen"), "metrics": c.flag("metrics-listen")}
			}
			declared := map[string]string{"metrics": ""}
			for _, port := range c.Ports {
				declared[port.Name] = ":" + strconv.Itoa(port.ContainerPort)
			}
			for port, address := range listens {
				if declared[port] != address {
					t.Errorf("%s listens on %q, and its port %s is %q", name, address, port, declared[port])
				}
			}
			if r, l, s := c.ReadinessProbe.HTTPGet, c.LivenessProbe.HTTPGet, c.StartupProbe.HTTPGet; r.Path != "/readyz" || l.Path != "/healthz" || s.Path != "/healthz" ||
				r.Port != "health" || l.Port != "health" || s.Port != "health" {
				t.Errorf("%s is asked for %v, %v and %v", name, r, l, s)
			}
			volumes := map[string]bool{}
			for _, v := range p.Volumes {
				volumes[v.Name] = true
				if v.Name == "secrets" && v.Secret.DefaultMode != 0o440 {
					t.Errorf("others may read the secrets of %s: %#o", name, v.Secret.DefaultMode)
				}
			}
			for _, claim := range o.Spec.VolumeClaimTemplates {
				volumes[claim.Metadata.Name] = true
			}
			for _, m := range c.VolumeMounts {
				if !volumes[m.Name] {
					t.Errorf("%s has no volume %s", name, m.Name)
				}
				delete(volumes, m.Name)
			}
			if len(volumes) > 0 {
				t.Errorf("%s doesn't mount %v", name, volumes)
			}
			if i := slices.IndexFunc(c.Env, func(v variable) bool { return v.Name == "GOMEMLIMIT" }); i < 0 || c.Env[i].ValueFrom.ResourceFieldRef.Resource != "requests.memory" {
				t.Errorf("%s doesn't know how much memory it may use: %+v", name, c.Env)
			}
			if all := strings.Join(c.Args, " "); strings.Contains(all, "@") || strings.Contains(all, "redis:") || strings.Contains(all, "postgres:") {
				t.Errorf("%s has an address in its arguments, which could have a password: %s", name, all)
			}
		}
	})
}

// Selectors select the pods that they should, and names refer to objects and ports that exist.
func TestChartNames(t *testing.T) {
	eachChart(t, func(t *testing.T, objects []object) {
		byName := map[string]object{} // by kind and name
		for _, o := range objects {
			key := o.Kind + " " + o.Metadata.Name
			if _, ok := byName[key]; ok {
				t.Errorf("there are two of %s", key)
			}
			byName[key] = o
		}
		for _, o := range objects {
			name := o.Kind + " " + o.Metadata.Name
			var selected []object
			for _, w := range workloads(objects) {
				if o.Spec.Selector.selects(w.Spec.Template.Metadata.Labels) {
					selected = append(selected, w)
				}
			}
			switch o.Kind {
			case "Deployment", "StatefulSet", "PodDisruptionBudget":
				if len(selected) != 1 {
					t.Errorf("%s selects the pods of %d workloads", name, len(selected))
				} else if o.Kind == "PodDisruptionBudget" && selected[0].Spec.Replicas <= o.Spec.MaxUnavailable {
					t.Errorf("%s lets all of %d pods end", name, selected[0].Spec.Replicas)
				}
				if o.Kind == "StatefulSet" && o.Spec.Replicas != 1 {
					t.Errorf("%s has %d pods, which would run the same rooms", name, o.Spec.Replicas)
				}
				for _, v := range o.Spec.Template.Spec.Volumes {
					if _, ok := byName["ConfigMap "+v.ConfigMap.Name]; v.Name == "settings" && !ok {
						t.Errorf("%s has no settings %s", name, v.ConfigMap.Name)
					}
				}
			case "Service":
				if want := len(workloads(objects)); o.Metadata.Name == "yroom-metrics" && len(selected) != want || o.Metadata.Name == "yroom" && len(selected) != 1 {
					t.Errorf("%s selects the pods of %d workloads", name, len(selected))
				}
				for _, w := range selected {
					for _, of := range o.Spec.Ports {
						if !slices.ContainsFunc(w.Spec.Template.Spec.Containers[0].Ports, func(p port) bool { return p.Name == of.TargetPort }) {
							t.Errorf("%s: %s has no port %s", name, w.Metadata.Name, of.TargetPort)
						}
					}
				}
			case "Ingress":
				to := o.Spec.Rules[0].HTTP.Paths[0].Backend.Service
				if service, ok := byName["Service "+to.Name]; !ok || service.Spec.Ports[0].Name != to.Port.Name {
					t.Errorf("%s passes on to %+v", name, to)
				}
			case "ServiceMonitor":
				service := byName["Service yroom-metrics"]
				if !o.Spec.Selector.selects(service.Metadata.Labels) || o.Spec.Selector.selects(byName["Service yroom"].Metadata.Labels) ||
					o.Spec.Endpoints[0].Port != service.Spec.Ports[0].Name || service.Metadata.Labels[o.Spec.JobLabel] != "yroom" {
					t.Errorf("%s finds no metrics of the job yroom: %+v", name, o.Spec)
				}
			case "ConfigMap":
			default:
				t.Errorf("%s is not tested", name)
			}
		}
	})
}
