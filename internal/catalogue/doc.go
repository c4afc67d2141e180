// Package catalogue reads the list of what a checkout sells from a file, as a shop's
// owner keeps it: a table that a spreadsheet saved (CSV) or JSON.
//
// Nothing in a catalogue is evaluated: a title with `{env.X}` or HTML in it is a title
// with these letters. A file is taken as a whole or not at all, and an error names the
// file, the line, the field, and what to write instead.
package catalogue
