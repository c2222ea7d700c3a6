package suite

import (
	"testing"

	"sigs.k8s.io/gateway-api/conformance"
)

// TestConformance runs Gateway API's own conformance tests; flags say which.
func TestConformance(t *testing.T) {
	conformance.RunConformance(t)
}
