package testkit

import "fmt"

// Verdict returns a line that says whether a measured value is within its bounds. 0 means
// that there is no such bound.
func Verdict(what string, value, least, most float64) string {
	verdict, bound := "met", fmt.Sprintf("at least %g", least)
	if most > 0 {
		bound = fmt.Sprintf("at most %g", most)
	}
	if least > 0 && value < least || most > 0 && value > most {
		verdict = "missed"
	}
	return fmt.Sprintf("%-6s  %s: %.2f (%s)\n", verdict, what, value, bound)
}
