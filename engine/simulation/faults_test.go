package simulation

// fault is a kind of thing that goes wrong.
type fault int

// The faults. Those of customers are decided when a world is made, the others
// whenever one could strike.
const (
	// Processes.
	crashBefore fault = iota // kill -9 before a call went out
	crashAfter               // kill -9 after its effect, before its answer
	powerCut                 // a crash that also loses what was not synced
	sigstop                  // a node stands still past its lease
	sigterm                  // a node is stopped in an orderly way, within a grace period
	reload                   // a new configuration over the same ledger
	badReload                // …that has lost the route, for a while
	clockAhead               // a node's clock runs minutes ahead or behind
	clockBack                // a node's clock jumps back
	// The store.
	commitApplied  // a commit's answer is lost, it was written
	commitLost     // a commit fails, it was not written
	commitLate     // a commit's answer is lost, it is written later
	readError      // a read fails
	storeFull      // no room for new work, for a while
	ledgerLost     // the store is destroyed: a new generation
	backupRestored // the store is put back to an old backup: a new generation
	raced          // somebody else writes to the record at the same time
	// The provider.
	verifyTimeout  // a verify never arrives
	settledTimeout // a verify settles the payment and its answer is lost
	verifyLate     // a verify is answered just before the time-out, or after
	verifyUnsent   // no connection to the provider
	provider5xx    // an error page
	provider429    // "try later", with Retry-After
	wrongAmount    // the answer names another amount
	tenfold        // …ten times as much
	wrongOrder     // the answer names another order
	wrongID        // the answer names another id
	operatorKey    // our key is refused, for a while
	providerDown   // nothing answers, for minutes or longer than the window
	providerPanic  // the provider's module panics
	usedElsewhere  // another system verifies the payment first: 101 at once
	providerClock  // the provider's clock is wrong
	// The shop.
	shopUnsent  // no connection to the shop
	shop5xx     // an error, nothing credited
	shopCut     // credits and dies before it answers
	shopHangs   // credits after everybody has given up
	shopNoProof // answers with a redirect to the checkout and credits nothing
	lookupSilent
	// The affiliate network.
	affiliate401
	affiliate422
	affiliate500
	affiliateLost   // counts, and the answer is lost
	affiliateUnsent // no connection to the network
	// Customers.
	browserLeaves  // in the middle of it
	neverReturns   // pays and closes the tab
	manyReturns    // returns that come again
	otherNode      // …at another node
	otherOrder     // brings an id with somebody else's order
	oldReceipt     // brings an id that was used before this ledger began
	forgedID       // brings an id that nobody gave out
	paysTwice      // pays two ids of one order
	paysAfterNo    // declines, goes back and pays
	machineReturns // the provider's server comes beside the browser
	wrongBinding   // a parameter of the shop's own names another order
	otherSite      // brings it to another site of the same owner
	otherDesk      // brings it to the route of another provider of the site
	// Plugins behind a relay; only their own worlds have these.
	pluginReadsHalf    // the connection ends in the middle of an answer
	pluginDies         // dies when it has heard "first"
	pluginDiesCredited // credits, and dies before its page is out
	gatewaySlow        // answers later than our time-out, for minutes
	// …and only those whose calls are forwarded have this one.
	ledgerAway // the ledger records nothing for a while
	faultKinds
)

var faultNames = [faultKinds]string{
	"crash before a call", "crash after a call", "power cut", "SIGSTOP", "SIGTERM", "reload", "reload without the route", "clock ahead or behind", "clock jumps back",
	"commit unknown, written", "commit unknown, not written", "commit unknown, written late", "read fails", "store full", "ledger lost", "backup restored", "record changed meanwhile",
	"verify never arrives", "verify settles, no answer", "verify answered late", "provider unreachable", "provider 5xx", "provider 429", "amount differs", "amount tenfold", "order differs", "id differs",
	"operator's key refused", "provider down", "provider module panics", "verified elsewhere", "provider's clock wrong",
	"shop unreachable", "shop 5xx", "shop credits then dies", "shop hangs then credits", "shop without proof", "lookup unanswered",
	"network 401", "network 422", "network 500", "network counts, no answer", "network unreachable",
	"browser leaves", "customer never returns", "duplicate returns", "return at another node", "return with another order", "old receipt", "forged id",
	"pays twice", "pays after a no", "machine return", "shop's parameter names another order", "return to another site", "return to another provider's route",
	"plugin reads half", "plugin dies after hearing", "plugin dies after crediting", "gateway slow", "ledger away",
}

func (f fault) String() string { return faultNames[f] }
