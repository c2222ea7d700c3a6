// Reads dashboards for Grafana, one file each argument, in the strict manner of Grafana's own schema: a field that the schema
// does not have, or a value that it does not allow, is an error.
package main

import (
	"fmt"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// problems drops an empty list of errors, which the schema's functions return as an error that is not nil.
func problems(err error) error {
	if err == nil || err.Error() == "" {
		return nil
	}
	return err
}

func read(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var read dashboard.Dashboard
	if err := problems(read.UnmarshalJSONStrict(text)); err != nil {
		return err
	}
	return problems(read.Validate())
}

func main() {
	// All kinds of panels would take a minute to build.
	runtime := cog.NewRuntime()
	runtime.RegisterPanelcfgVariant(stat.VariantConfig())
	runtime.RegisterPanelcfgVariant(timeseries.VariantConfig())
	runtime.RegisterDataqueryVariant(prometheus.VariantConfig())
	failed := false
	for _, file := range os.Args[1:] {
		if err := read(file); err != nil {
			failed = true
			fmt.Fprintf(os.Stderr, "%s: %v\n", file, err)
		}
	}
	if failed {
		os.Exit(1)
	}
}
