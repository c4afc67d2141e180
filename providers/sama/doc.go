// Package sama speaks Sama's payment API v2 (app.sama.ir). Verify follows the document;
// create and return are inferred where the document is silent. Amounts are rials.
package sama
