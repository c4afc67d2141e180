package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// proofs are, for each rule of money and each finding of how money gets lost,
// the tests that fail without it. What breaks each of them on purpose is in
// mutations.
var proofs = map[string]string{
	"R1":  "engine.TestRule1And2TwoDurableCommitsPerPayment engine.TestNothingIsAskedBeforeTheExpectationIsKnown",
	"R2":  "engine.TestRule1And2TwoDurableCommitsPerPayment engine.TestACommitWithoutAnAnswer storage/badger.TestWritesAreSynced",
	"R3":  "payment.TestDecide engine.TestRule3SilenceIsNeverFailed engine.TestRule3RefusalAfterSilence engine.TestAPanicOfAProviderIsAnUnknownAnswer",
	"R4":  "payment.TestDecide engine.TestRule4LostLedgerGoesToReview integration/returns.TestReplayAfterTheStoreWasLost",
	"R5":  "engine.TestRule5Uniqueness engine.TestRule5SecondPaymentThatWasTakenIsReviewed storage/badger.TestNothingHasATTL",
	"R6":  "engine.TestRule6OneVerifyCallForManyReturns engine.TestRule6RecoveryAfterACrash engine.TestAnOvertakenDeliveryRecordsNothing",
	"R7":  "engine.TestRule7ADeliveryIsDurableBeforeTheShopIsCalled engine.TestRule7InterruptedDelivery integration/robust.TestAShopThatDiesIsNotToldTwice",
	"R8":  "engine.TestRule8TheWorkerHandsOverWhatNoBrowserClaims engine.TestRule8NothingIsCapturedThatCannotBeDelivered",
	"R9":  "engine.TestRule9DeclinedIsAskedAgain engine.TestRule9TheLastQuestionComesInsideTheWindow",
	"R10": "payment.TestDecide payment.TestAmountChecked",
	"R11": "engine.TestRule11Conversions engine.TestRule11NothingIsReportedBeforeItIsDelivered",
	"R12": "integration/returns.TestNoRoomForAnAnnouncement integration/nodes.TestNobodyPaysWhileTheDatabaseIsStopped engine.TestWhatIsRefusedLeavesATrace",
	"R13": "engine.TestPressesOfPay engine.TestABacklogOfIdleIntentsHoldsUpNobody engine.TestVisitsAreBounded integration/returns.TestGenuineCustomersBesideAFloodOfStrangers",
	"R14": "integration/returns.TestTheWorkersRequest handlers.TestVisitorIsReplayed",
	"M1":  "integration/robust.TestAShopThatDiesIsNotToldTwice integration/robust.TestDeliveryRunsToItsEnd",
	"M2":  "engine.TestRule7DeliveryOutcomes integration/php.TestCaddysOwnAnswers integration/php.TestAckHeader",
	"M3":  "engine.TestRule8TheWorkerHandsOverWhatNoBrowserClaims engine.TestRule8AbsentPark",
	"M4":  "payment.TestDecide engine.TestAGivenPaymentIsNotHandedOverWithAReturnThatNamesAnotherOrder integration/php.TestShops integration/php.TestFolding internal/params.TestRewriteProperty",
	"M5":  "integration/returns.TestExpectLookup internal/lookup.TestRead payment.TestAmountChecked",
	"M6":  "payment.TestDecide engine.TestImportedIDsPayForNothing",
	"M7":  "payment.TestDecide engine.TestRule4LostLedgerGoesToReview",
	"M8":  "payment.TestDecide payment.TestDecideAsksForAnInquiryAfterSilence engine.TestRule3RefusalAfterSilence",
	"M9":  "engine.TestRule9DeclinedIsAskedAgain engine.TestRule9UnpaidReturnsWriteNothing providers/invoice.TestNoReturnIsBelievedUnpaid",
	"M10": "payment.TestDecide integration/returns.TestExpectSigned",
	"M11": "engine.TestAPaymentBelongsToItsSiteRouteAndOrder internal/token.TestEveryKind integration/returns.TestExpectNoneIsForOneSite",
	"M12": "payment.TestDecide payment.TestAmountChecked integration/returns.TestReceiptsWithoutIntent",
	"M13": "integration/returns.TestDoctorNamesWhatEndangersMoney integration/php.TestErrorRoutesBeforeRouting integration/php.TestErrorRoutesAfterVerified integration/php.TestHeaderSmuggling",
	"M14": "engine.TestAnnouncementsStand integration/returns.TestAnnouncements integration/php.TestAnnouncement",
	"M15": "payment.TestKeysOfDifferentIssuersDiffer integration/php.TestExamplePHPShop integration/php.TestHelpersOwnTests",
	"M16": "internal/token.TestEveryKind integration/browser.TestBoughtOnTooManyDevices",
	"M17": "internal/token.TestReceiptNamesTheEnvironment integration/returns.TestDoctorNamesWhatEndangersMoney integration/php.TestReceiptHelper integration/php.TestHelpersOwnTests",
}

// TestEveryRuleIsTested: whoever renames or removes a test that a rule rests on
// is asked what it rests on now.
func TestEveryRuleIsTested(t *testing.T) {
	for _, named := range []struct {
		letter string
		last   int
	}{{"R", 14}, {"M", 17}} {
		for i := 1; i <= named.last; i++ {
			rule := named.letter + strings.TrimPrefix(string(rune('0'+i/10))+string(rune('0'+i%10)), "0")
			if proofs[rule] == "" {
				t.Errorf("no test is named for %s", rule)
			}
		}
	}
	for rule, tests := range proofs {
		for one := range strings.FieldsSeq(tests) {
			dir, name, _ := strings.Cut(one, ".")
			if !declares(t, filepath.Join("..", dir), name) {
				t.Errorf("%s rests on %s, which is gone", rule, one)
			}
		}
	}
}

func declares(t *testing.T, dir, name string) bool {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(dir, "*_test.go"))
	want := regexp.MustCompile(`(?m)^func ` + regexp.QuoteMeta(name) + `\(`)
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if want.Match(text) {
			return true
		}
	}
	return false
}

// What the manual counts is what there is.
func TestCountsAreTrue(t *testing.T) {
	fuzz := 0
	err := filepath.WalkDir("..", func(path string, _ os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, "_test.go") {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			fuzz += len(regexp.MustCompile(`(?m)^func Fuzz\w+\(`).FindAll(text, -1))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	places, err := os.ReadFile("../internal/failpoint/failpoint.go")
	if err != nil {
		t.Fatal(err)
	}
	attacks, err := os.ReadFile("attacks.md")
	if err != nil {
		t.Fatal(err)
	}
	all := len(regexp.MustCompile(`(?m)^\| A[0-9]{2} \|`).FindAll(attacks, -1))
	for _, c := range []struct {
		page, says string
		n          int
	}{
		{"guarantees.md", `more than (\d+) targets`, fuzz},
		{"attacks.md", `(\d+) published ways`, all},
		{"guarantees.md", `\[(\d+) attacks\]`, all},
		{"guarantees.md", `killed at each of (\d+) places`, len(regexp.MustCompile(`(?m)^\t\w+ +Place = "`).FindAll(places, -1))},
	} {
		text, err := os.ReadFile(c.page)
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(c.says).FindAllSubmatch(text, -1)
		for _, m := range found {
			says, _ := strconv.Atoi(string(m[1]))
			if says != c.n && (!strings.HasPrefix(c.says, "more than") || c.n < says || c.n > says*5/4) {
				t.Errorf("%s says %q; there are %d", c.page, m[0], c.n)
			}
		}
		if len(found) == 0 {
			t.Errorf("%s does not say how many: %s", c.page, c.says)
		}
	}
}

// Whatever event a person may find in a log is explained in the manual.
func TestEveryEventIsExplained(t *testing.T) {
	sources, err := filepath.Glob("../engine/*.go")
	if err != nil {
		t.Fatal(err)
	}
	manual := ""
	err = filepath.WalkDir(".", func(path string, e os.DirEntry, err error) error {
		if err == nil && e.IsDir() && e.Name() == "fa" {
			return filepath.SkipDir
		}
		if err == nil && strings.HasSuffix(path, ".md") {
			text, err := os.ReadFile(path)
			manual += string(text)
			return err
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, path := range sources {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^\s*Event\w+\s*= "(\w+)"`).FindAllSubmatch(text, -1) {
			seen++
			if name := string(m[1]); !slices.Contains(countedOnly, name) && !strings.Contains(manual, "`"+name+"`") {
				t.Errorf("%s: no page explains it", name)
			}
		}
	}
	if seen < 40 {
		t.Errorf("only %d events were found", seen)
	}
}
