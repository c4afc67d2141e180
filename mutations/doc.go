// Command mutations asks the tests whether they are worth something: it seeds
// one bug after the other, each breaking one rule of money, and runs the tests
// that should notice. A bug that no test notices fails the run.
//
//	scripts/mutants                  all
//	scripts/mutants -match receipt   those whose name matches
//	scripts/mutants -list            what there is
//
// A bug is an edit of a text that must occur exactly once in the sources of one
// package, wherever in it. It is never written to the tree: Go reads the edited
// file from a temporary directory (-overlay). When the text is changed so that
// a bug no longer applies, TestMutantsApply fails, and whoever changed it says
// what the same bug is now.
package main
