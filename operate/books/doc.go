// Package books writes payments as tables for bookkeepers: CSV and XLSX. What customers
// and providers wrote stands in them as text that nothing calculates, and that moves no
// cursor.
package books
