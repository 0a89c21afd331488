package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
)

type table struct {
	Roles    map[string]part            `json:"roles"`
	Overlays map[string]map[string]part `json:"overlays"`
	Needs    map[string][]string        `json:"needs"`
}

type part struct {
	Files     []string `json:"files"`
	InsteadOf []string `json:"instead_of"`
	NotWith   []string `json:"not_with"`
	Arguments []string `json:"arguments"`
}

// arguments are what the Collector is started with; all that is missing is told at once.
func arguments(asked request, environ []string) ([]string, error) {
	roles, err := read(filepath.Join(asked.folder, "roles.json"))
	if err != nil {
		return nil, err
	}
	parts, err := roles.parts(asked)
	if err != nil {
		return nil, err
	}
	layers := layered(parts)
	if missing := roles.missing(layers, environ); len(missing) > 0 {
		return nil, fmt.Errorf("role %s cannot work without %s: set %s", asked.role,
			strings.Join(missing, ", "), strings.Join(missing, "=… and ")+"=…")
	}
	var words []string
	for _, part := range parts {
		words = append(words, part.Arguments...)
	}
	for _, layer := range append(layers, "extras.yaml") {
		words = append(words, "--config=file:"+filepath.Join(asked.folder, layer))
	}
	return words, nil
}

func read(path string) (table, error) {
	var roles table
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &roles)
	}
	if err != nil {
		return roles, fmt.Errorf("%s: %w", path, err)
	}
	return roles, nil
}

// parts are the role's own and its overlays', those that replace layers before those that only add some.
func (roles table) parts(asked request) ([]part, error) {
	role, known := roles.Roles[asked.role]
	if !known {
		return nil, fmt.Errorf("unknown role %q; there is %s", asked.role, names(roles.Roles))
	}
	var chosen []part
	for _, name := range asked.overlays {
		variation, known := roles.Overlays[name][asked.role]
		if !known {
			return nil, fmt.Errorf("role %s has no overlay %q; there is %s", asked.role, name, names(roles.Overlays))
		}
		for _, other := range asked.overlays {
			if slices.Contains(variation.NotWith, other) {
				return nil, fmt.Errorf("overlay %s has nothing to do beside %s: choose one", name, other)
			}
		}
		chosen = append(chosen, variation)
	}
	sort.SliceStable(chosen, func(i, j int) bool {
		return len(chosen[i].InsteadOf) > 0 && len(chosen[j].InsteadOf) == 0
	})
	return append([]part{role}, chosen...), nil
}

func layered(parts []part) []string {
	leftOut := []string{"extras.yaml"}
	for _, variation := range parts[1:] {
		leftOut = append(leftOut, variation.InsteadOf...)
	}
	var layers []string
	for _, file := range parts[0].Files {
		if !slices.Contains(leftOut, file) {
			layers = append(layers, file)
		}
	}
	for _, variation := range parts[1:] {
		layers = append(layers, variation.Files...)
	}
	return layers
}

func (roles table) missing(layers, environ []string) []string {
	var missing []string
	for _, layer := range layers {
		for _, setting := range roles.Needs[layer] {
			if lookup(environ, setting) == "" && !slices.Contains(missing, setting) {
				missing = append(missing, setting)
			}
		}
	}
	return missing
}

func names[V any](of map[string]V) string {
	var found []string
	for name := range of {
		found = append(found, name)
	}
	sort.Strings(found)
	return strings.Join(found, ", ")
}
