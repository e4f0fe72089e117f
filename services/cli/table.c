// SPDX-License-Identifier: Apache-2.0
// Every subcommand with its flags and texts: the one source of --help, of the
// completion and of the manual pages.
#include "cli.h"

#define END                    \
    {                          \
        NULL, NULL, NULL, NULL \
    }

const struct cli_exit_row cli_exits[] = {
    {CLI_OK, "done"},
    {CLI_NO, "the answer is no: a check found problems, a comparison a difference"},
    {CLI_USAGE, "wrong arguments"},
    {CLI_DATA, "refused, or the input is not what it should be; the same again will not help"},
    {CLI_NO_INPUT, "a file cannot be read"},
    {CLI_UNAVAILABLE, "a daemon does not answer"},
    {CLI_INTERNAL, "an error of the program, or of a daemon"},
    {CLI_CANNOT_CREATE, "a file cannot be written"},
    {CLI_TEMPORARY, "refused for now; the same may succeed later"},
    {0, NULL},
};

const struct cli_flag cli_common_flags[] = {
    {"run-dir", "DIR", NULL, "where the daemons' sockets are (KESU_RUN_DIR; DATA_DIR/run)"},
    {"data-dir", "DIR", NULL, "where their data is (KESU_DATA_DIR; ./kesu-data)"},
    {"peer", "HOST:PORT", NULL, "instead of the sockets: intake on another machine (KESU_PEER)"},
    {"peer-keys", "FILE", NULL, "its public keys (KESU_PEER_KEYS; DATA_DIR/keys/servers)"},
    {"key-pair", "FILE", NULL, "our key pair (KESU_KEY_PAIR; DATA_DIR/keys/pair)"},
    {"timeout", "TIME", "10s", "how long to wait for an answer"},
    {"json", NULL, NULL, "print JSON, one object a line, instead of text"},
    {"help", NULL, NULL, "explain the subcommand"},
    {"version", NULL, NULL, "print the version"},
    END,
};

static const struct cli_flag submit_flags[] = {
    {"text", "TEXT", NULL, "what happened, in the customer's words"},
    {"subject", "TEXT", NULL, "in one line"},
    {"name", "NAME", NULL, "of the customer"},
    {"email", "ADDRESS", NULL, "how to reach them; may be given often, like the next three"},
    {"phone", "NUMBER", NULL, "telephone"},
    {"chat", "ID", NULL, "name in a chat"},
    {"address", "TEXT", NULL, "postal address"},
    {"customer-id", "ID", NULL, "the company's own number of the customer"},
    {"channel", "CHANNEL", "web", "phone, email, web, app, chat, sms, social, letter, on_site ..."},
    {"mailbox", "NAME", "kesu", "which line, page or mailbox it came to"},
    {"external-id", "ID", NULL, "the channel's own id: the same twice is one message"},
    {"demand", "TEXT", NULL, "what the customer wants"},
    {"place", "TEXT", NULL, "where it happened"},
    {"product", "NAME", NULL, "what it is about; so are the next five"},
    {"order", "NUMBER", NULL, "order"},
    {"lot", "NUMBER", NULL, "lot or batch"},
    {"waybill", "NUMBER", NULL, "waybill"},
    {"branch", "NAME", NULL, "branch"},
    {"employee", "NAME", NULL, "employee complained about"},
    {"tier", "TIER", NULL, "ordinary or vip"},
    {"language", "LANGUAGE", NULL, "zh_hant, zh_hans, en, other"},
    {"thread", "KEY", NULL, "a conversation it continues; may be given often"},
    {"reply-tag", "TAG", NULL, "the tag of the case it answers"},
    {"anonymous", NULL, NULL, "the customer does not want to be known"},
    {"internal", NULL, NULL, "from another branch or department"},
    {"from", "FILE", NULL, "read a ReceiveMessage as JSON from FILE (- is standard input)"},
    {"lines", "FILE", NULL, "read one a line from FILE (JSON Lines), with a progress bar in a terminal"},
    {"window", "N", "2048", "with --lines: how many may be unanswered"},
    END,
};

static const struct cli_flag tail_flags[] = {
    {"from", "SEQ", NULL, "begin at this event, 1 is the first; not given: what comes from now on"},
    {"last", "N", NULL, "begin N events before the newest"},
    {"no-follow", NULL, NULL, "stop at the newest event"},
    {"limit", "N", NULL, "stop after N events printed"},
    {"type", "TYPE", NULL, "only events of this type, e.g. case_opened; may be given often"},
    {"case", "CASE", NULL, "only events of this case: its number or id"},
    {"department", "ID", NULL,
     "only events of cases that this department has, as far as seen since the beginning"},
    {"personal", NULL, NULL, "open what is sealed"},
    END,
};

static const struct cli_flag show_flags[] = {
    {"personal", NULL, NULL, "open what is sealed: names, contacts, texts"},
    {"as", "STAFF", NULL, "who looks: only readers of a sensitive case are told of it"},
    {"explain", NULL, NULL, "tell it in words: who decided what, why, on which rule, and what was possible"},
    {"lang", "LANGUAGE", NULL, "with --explain: zh-Hant, zh-Hans or en; not given: as LANG says"},
    END,
};
static const struct cli_flag history_flags[] = {
    {"personal", NULL, NULL, "open what is sealed: names, contacts, texts"},
    {"as", "STAFF", NULL, "who looks: only readers of a sensitive case are told of it"},
    END,
};

#define CASES                                                                                                \
    {"stage", "STAGE", NULL, "only in this stage: received, triaged, under_review, opinion_sent ..."},       \
        {"department", "ID", NULL, "only cases of this department"},                                         \
        {"agent", "ID", NULL, "only cases of this agent"}, {"severity", "SEVERITY", NULL, "s1, s2, s3, s4"}, \
        {"category", "ID", NULL, "only of this category; damage.* is all below damage"},                     \
        {"lot", "NUMBER", NULL, "only about this lot"},                                                      \
        {"incident", "ID", NULL, "only members of this incident"},                                           \
    {                                                                                                        \
        "to-read", NULL, NULL, "only what was decided at once and a leader has yet to read"                  \
    }

static const struct cli_flag list_flags[] = {
    {"limit", "N", "20", "how many, 1 to 1000"},
    {"before", "CASE", NULL, "page on: cases older than this id"},
    CASES,
    {"as", "STAFF", NULL, "with --to-read: only what this leader is to read"},
    END,
};

#define AS                                                                         \
    {                                                                              \
        "as", "STAFF", NULL, "act as this member of staff; not given: as operator" \
    }
#define EXPECTED                                                                        \
    {                                                                                   \
        "expected-version", "N", NULL, "refuse if the case has changed since version N" \
    }

#define FOR_WHOM                                                                          \
    {                                                                                     \
        "on-behalf-of", "STAFF", NULL, "whose authority is used, as a delegate of theirs" \
    }
#define BODY                                                                  \
    AS, FOR_WHOM,                                                             \
    {                                                                         \
        "from", "FILE", NULL, "read the fields as JSON (- is standard input)" \
    }

static const struct cli_flag act_flags[] = {
    BODY,
    EXPECTED,
    {"reason", "TEXT", NULL, "the same as reason=TEXT"},
    {"lesson", "TEXT", NULL, "the same as lesson=TEXT"},
    {"capacity", "N", "20", "with presence: open cases at once, 0 to 1000; 0 takes no new ones"},
    {"complete", NULL, NULL, "print what the next word may be, for the completion of a shell"},
    END,
};
static const struct cli_flag alias_flags[] = {BODY, EXPECTED, END};
static const struct cli_flag eightd_list_flags[] = {
    {"limit", "N", "100", "how many, 1 to 1000"},
    {"open", NULL, NULL, "only those that are not closed"},
    {"case", "CASE", NULL, "only those of this case"},
    END,
};

static const struct cli_flag eightd_export_flags[] = {
    {"html", NULL, NULL, "a page to print, which is what it is without --json"},
    {"lang", "LANGUAGE", "en", "of the page: zh-Hant, zh-Hans or en"},
    END,
};

static const struct cli_flag incident_flags[] = {
    {"limit", "N", "100", "how many, 1 to 1000"},
    {"open", NULL, NULL, "only those that are not closed"},
    END,
};
static const struct cli_flag handover_flags[] = {
    {"limit", "N", "100", "how many, 1 to 1000"},
    {"open", NULL, NULL, "only those nobody has accepted yet"},
    {"to", "STAFF", NULL, "only those for this person"},
    END,
};
static const struct cli_flag batch_flags[] = {
    BODY, CASES, {"limit", "N", "1000", "how many at most, 1 to 100000"}, {"yes", NULL, NULL, "do not ask"},
    END,
};

static const struct cli_flag stats_flags[] = {
    {"by", "LIST", "category", "split by hour, category, department, channel, severity, with commas"},
    {"since", "TIME", NULL, "only what was opened this long ago or later, e.g. 24h"},
    END,
};

static const struct cli_flag top_flags[] = {
    {"every", "TIME", "1s", "how often the screen is drawn"},
    {"times", "N", NULL, "stop after N drawings"},
    END,
};

static const struct cli_flag apply_flags[] = {
    {"name", "NAME", NULL, "of this version, for people; not given: the directory's name"},
    END,
};

static const struct cli_flag verify_flags[] = {
    {"anchor", "FILE", NULL, "a line 'SEQ HASH', kept elsewhere: the journal must still hold it"},
    {"file", "FILE", NULL, "check an exported file instead of intake's journal"},
    END,
};

static const struct cli_flag export_flags[] = {
    {"from", "SEQ", "1", "begin with the block that holds this event"},
    {"to", "SEQ", NULL, "end with the block that holds this event; not given: the newest"},
    END,
};

static const struct cli_flag limit_flags[] = {{"limit", "N", "100", "how many, 1 to 1000"}, END};

#define ROLE_FLAGS                                                                                  \
    {"role", "ROLE", "adapter", "adapter, gateway, service, worker, reader, reader-with-personal"}, \
    {                                                                                               \
        "channels", "NAMES", NULL, "that it may claim, with commas; without: those of the role"     \
    }
static const struct cli_flag keys_new_flags[] = {
    ROLE_FLAGS,
    {"name", "NAME", NULL, "of the client, instead of the file's"},
    {"allow", "FILE", NULL, "add the public key to this allow list"},
    END,
};
static const struct cli_flag keys_add_flags[] = {
    ROLE_FLAGS,
    {"allow", "FILE", NULL, "the allow list (DATA_DIR/keys/allow)"},
    END,
};
static const struct cli_flag keys_flags[] = {
    {"allow", "FILE", NULL, "the allow list (DATA_DIR/keys/allow)"},
    END,
};

static const struct cli_flag up_flags[] = {
    {"workers", "N", "2", "routing workers, 1 to 64"},
    {"policy-dir", "DIR", NULL, "policy to begin with; not given: the one beside the program"},
    {"smtp-url", "URL", NULL, "server for outgoing mail; not given: mails go to DATA_DIR/mail/sent"},
    {"mailbox", "ADDRESS", "complaints@kesu.example", "address of the mails in DATA_DIR/mail/incoming"},
    {"demo", NULL, NULL, "with an SMTP server of its own and invented complaints, each followed through"},
    {"complaints", "N", "40", "with --demo and without a terminal: how many"},
    {"rate", "N", "2", "with --demo in a terminal: complaints a second"},
    {"limit", "TIME", "3m", "with --demo and without a terminal: the time for all"},
    END,
};

static const struct cli_flag demo_flags[] = {
    {"complaints", "N", "40", "how many; 0 goes on until interrupted"},
    {"rate", "N", "2", "a second; every fifteen seconds a burst of five times that"},
    {"seed", "N", NULL, "invent the same again"},
    {"follow", NULL, NULL, "follow each through all services, and end when all are accounted for"},
    {"maildir", "DIR", NULL, "with --follow: the Maildir that receipts are delivered to"},
    {"incoming", "DIR", NULL, "send some of them as mails into this Maildir"},
    {"limit", "TIME", "3m", "with --follow: the time for all"},
    {"print", NULL, NULL, "only print them, as JSON for submit --lines"},
    END,
};

static const struct cli_flag backup_flags[] = {
    {"keys", "FILE", NULL, "copy the keys into this file, kept elsewhere; an older one is overwritten"},
    {"passphrase-file", "FILE", NULL, "with --keys: its first line seals them"},
    END,
};

static const struct cli_flag restore_flags[] = {
    {"reason", "TEXT", NULL, "why, kept for ever in the journal"},
    {"keys", "FILE", NULL, "copy of the keys; not given: those in DATA_DIR/intake/keys"},
    {"passphrase-file", "FILE", NULL, "with --keys: its first line opens them"},
    {"anchor", "FILE", NULL, "a line 'SEQ HASH', kept elsewhere: the backup must hold it"},
    {"number-gap", "N", "100000", "numbers left out, more than were given out since the backup"},
    END,
};

static const struct cli_flag customer_flags[] = {
    {"personal", NULL, NULL, "open what is sealed: the contacts"},
    END,
};

static const struct cli_flag customer_list_flags[] = {
    {"limit", "N", "100", "how many, 1 to 1000"},
    {"tier", "TIER", NULL, "only those of this tier: ordinary, vip"},
    END,
};

static const struct cli_flag erase_flags[] = {
    {"reason", "TEXT", NULL, "why, kept for ever in the journal: no personal data"},
    {"yes", NULL, NULL, "do not ask"},
    {"no-mails", NULL, NULL, "do not look through the mails the email adapter has kept beside"},
    END,
};

const struct cli_command cli_commands[] = {
    {"up", "", 0, 0, "start all daemons and watch over them",
     "Starts intake, routing, its workers, sla-watch, notification, analytics and the email adapter as "
     "children, shows "
     "their logs with a prefix each, and starts again what dies, waiting longer each time. SIGINT or SIGTERM "
     "stops all "
     "in order.\n\n"
     "With --demo it also starts OpenSMTPD on a loopback port (as root; otherwise mails go to a Maildir), "
     "sets all "
     "agents present, and feeds in invented complaints, printing the way of each. Without a terminal it ends "
     "with "
     "status 0 when each is accounted for in every service, and with 1 and a reason when that takes too "
     "long.",
     up_flags, cli_up},
    {"submit", "[FIELD=VALUE ...]", 0, CLI_MAX_GIVEN, "hand in a complaint",
     "Builds one ReceiveMessage from flags and fields of its own (occurred_at=2026-11-20T18:30, "
     "object.quantity=10, object.defective_quantity=3, \"object.declared_value=TWD 3000\", "
     "representative.name=..., affected.contacts=phone:..., preferred=phone:...), or takes it as JSON, or "
     "many as JSON Lines, and waits for "
     "intake's answer. "
     "JSON has the names of the .proto files; received_at is now when missing. A line's identity follows "
     "from the "
     "file's name, its number and its content: an interrupted file may be sent again and nothing is taken "
     "twice.",
     submit_flags, cli_submit},
    {"tail", "", 0, 0, "print events as they happen", "Follows the journal, one line an event.", tail_flags,
     cli_tail},
    {"show", "CASE", 1, 1, "tell the story of a case",
     "CASE is a number (2611-000042) or an id. Prints what the case is now, its clocks, and all its events. "
     "With --explain: a story for people, in English or in traditional or simplified Chinese.",
     show_flags, cli_show},
    {"list", "", 0, 0, "list cases, newest first", "As intake's register has them.", list_flags, cli_list},
    {"act", "[COMMAND] CASE [FIELD=VALUE ...]", 0, CLI_MAX_GIVEN, "act on a case, an incident, a customer",
     "COMMAND is any of the protocol that people give, with dashes: review-case, propose-remedy, "
     "send-opinion ..., or a short name: start, note TEXT, resolve SUMMARY, close CAUSE, assign AGENT, "
     "claim, "
     "reply TEXT, presence AGENT on|off. Without COMMAND: what is possible for the case now, and what must "
     "be "
     "given. 'kesu act COMMAND --help' explains its fields.\n\n"
     "A value is a text, a name (finding=founded), money (\"amount=TWD 3000.50\"), a time "
     "(2026-11-22T10:00, now, +2h), a number of a case, or @FILE, which is kept as evidence. Fields of inner "
     "messages are named with dots (payment.reference=...), or alone when only one has them. Given again, a "
     "field adds to its list: lines.kind=refund \"lines.amount=TWD 300\" lines.kind=apology are two lines.",
     act_flags, cli_act},
    {"batch", "COMMAND [FIELD=VALUE ...]", 1, CLI_MAX_GIVEN, "do the same to many cases",
     "Shows how many cases the filter finds and the first of them, asks, then sends COMMAND (as in 'kesu "
     "act') "
     "for each, with the version that was shown: what somebody has changed meanwhile is refused and listed.",
     batch_flags, cli_batch},
    {"history", "CASE", 1, 1, "list every event of a case",
     "Who, on whose behalf, when, and each value before and after.", history_flags, cli_history},
    {"customer change", "CUSTOMER [FIELD=VALUE ...]", 1, CLI_MAX_GIVEN, "change what is known of a customer",
     "CUSTOMER is an id as 'customer show' prints it. tier, vulnerable, caution, recording, surveys, "
     "language, "
     "contacts=KIND:VALUE, reason.",
     alias_flags, cli_act_alias},
    {"customer merge", "CUSTOMER other_id=CUSTOMER [reason=TEXT]", 1, CLI_MAX_GIVEN,
     "say that two customers are one person", "Nothing is moved: 'customer unmerge' undoes it.", alias_flags,
     cli_act_alias},
    {"customer unmerge", "CUSTOMER other_id=CUSTOMER [reason=TEXT]", 1, CLI_MAX_GIVEN,
     "say that they are two after all", "Undoes 'customer merge'.", alias_flags, cli_act_alias},
    {"customer suggest", "CUSTOMER other_id=CUSTOMER [reason=TEXT]", 1, CLI_MAX_GIVEN,
     "say that two customers may be one person", "Somebody confirms it with 'customer merge'.", alias_flags,
     cli_act_alias},
    {"customer dismiss", "CUSTOMER other_id=CUSTOMER [reason=TEXT]", 1, CLI_MAX_GIVEN,
     "say that they are not", "Ends the suggestion.", alias_flags, cli_act_alias},
    {"customer show", "WHOM", 1, 1, "print a person and their cases",
     "WHOM is a case (2611-000042 or an id), an id of a customer, an address (wang@example.org) or another "
     "contact "
     "as KIND:VALUE (phone:0912345678, chat:..., customer_id:...). Prints the identities that mean this "
     "person, what "
     "is known of them, and their cases that are not erased, newest first.",
     customer_flags, cli_customer_show},
    {"customer list", "", 0, 0, "list people of whom more is known than their cases, newest first",
     "With their tier, flags and consents, and which identities mean them.", customer_list_flags,
     cli_customer_list},
    {"customer suggestions", "", 0, 0, "list customers that may be one person",
     "'customer merge' says that they are, 'customer dismiss' that they are not.", limit_flags,
     cli_customer_suggestions},
    {"customer erase", "WHOM", 1, 1, "forget a person, for ever",
     "WHOM as for 'customer show'. Destroys the keys of the person's profiles and of all their cases, "
     "attachments nobody else's case "
     "shares, and mails of theirs the email adapter has kept beside. The cases stay, without a word of what "
     "was said. Maildirs and mail servers are not touched.",
     erase_flags, cli_customer_erase},
    {"incident list", "", 0, 0, "list incidents, newest first",
     "Many complaints of one thing are an incident.", incident_flags, cli_incident_list},
    {"incident show", "ID", 1, 1, "print an incident and its members",
     "What happened to it, and each member with its stage and whether it got the answer.", NULL,
     cli_incident_show},
    {"incident create", "[FIELD=VALUE ...]", 1, CLI_MAX_GIVEN, "make one incident of many complaints",
     "title, case_ids=CASE (may be given often), lot, category, lead, reason.", alias_flags, cli_act_alias},
    {"incident add", "CASE incident_id=ID", 2, CLI_MAX_GIVEN, "add a case to an incident",
     "For many at once: kesu batch --lot LOT add-to-incident incident_id=ID.", alias_flags, cli_act_alias},
    {"incident remove", "CASE [reason=TEXT]", 1, CLI_MAX_GIVEN, "take a case out of its incident",
     "It goes on alone.", alias_flags, cli_act_alias},
    {"incident change", "ID [FIELD=VALUE ...]", 2, CLI_MAX_GIVEN, "change an incident",
     "title, lead, lot, representatives=CASE (at most five), reason.", alias_flags, cli_act_alias},
    {"incident hold-lot", "ID lot=LOT held=yes|no [reason=TEXT]", 2, CLI_MAX_GIVEN, "stop or free a lot",
     "Nothing of a held lot is to leave the house.", alias_flags, cli_act_alias},
    {"incident answer", "ID texts=LANGUAGE:TEXT ...", 2, CLI_MAX_GIVEN, "answer all members of an incident",
     "Each member gets it once, in its language: give one text for zh_hant, zh_hans and en each.",
     alias_flags, cli_act_alias},
    {"incident close", "ID [reason=TEXT]", 1, CLI_MAX_GIVEN, "close an incident",
     "Its members are closed each on their own.", alias_flags, cli_act_alias},
    {"eightd list", "", 0, 0, "list 8Ds, newest first", "With what is done of each.", eightd_list_flags,
     cli_eightd_list},
    {"eightd show", "ID|CASE", 1, 1, "show how far an 8D is",
     "By its id, or the newest of a case. With --json all that was recorded last.", NULL, cli_eightd_show},
    {"eightd export", "ID|CASE", 1, 1, "print an 8D report",
     "On standard output: a page in HTML that needs nothing else and prints on A4, or with --json what it "
     "says.",
     eightd_export_flags, cli_eightd_export},
    {"handover list", "", 0, 0, "list handovers, newest first",
     "Who gives open work to whom, and until when.", handover_flags, cli_handover_list},
    {"handover open", "agents=STAFF ... to=STAFF due_at=TIME [note=TEXT]", 1, CLI_MAX_GIVEN,
     "give a shift's open work to the next", "All open cases of these agents, as a list.", alias_flags,
     cli_act_alias},
    {"handover accept", "ID", 1, 1, "accept a handover", "By the lead of the next shift.", alias_flags,
     cli_act_alias},
    {"stats", "", 0, 0, "print counts and times", "As analytics has counted them.", stats_flags, cli_stats},
    {"top", "", 0, 0, "a live screen of the office",
     "Rates, stages, daemons and how far each has come. q or Ctrl-C ends it.", top_flags, cli_top},
    {"policy check", "DIR", 1, 1, "check a policy directory",
     "Prints every problem with file and line. Asks nobody.", NULL, cli_policy_check},
    {"policy keys", "", 0, 0, "list every key of the policy's files",
     "File, key, whether it must be there, what is allowed, what it means. Asks nobody.", NULL,
     cli_policy_keys},
    {"policy diff", "DIR", 1, 1, "compare a policy directory with what is in force",
     "Prints what would change; status 1 when something would.", NULL, cli_policy_diff},
    {"policy apply", "DIR", 1, 1, "put a policy directory in force",
     "Checks it, sends its parts, then activates it.", apply_flags, cli_policy_apply},
    {"journal info", "", 0, 0, "print the head of the journal",
     "Identity, newest event, its hash, and the readers.", NULL, cli_journal_info},
    {"journal verify", "", 0, 0, "check the hash chain of the journal",
     "Intake reads all of it. With --file an exported journal is checked without intake.", verify_flags,
     cli_journal_verify},
    {"journal export", "FILE", 1, 1, "write blocks of the journal to a file",
     "Byte for byte, one after the other; what is sealed stays sealed.", export_flags, cli_journal_export},
    {"backup", "DIR", 1, 1, "copy journal, evidence and keys of the running office",
     "DIR gets the journal and the evidence, all sealed, and goes on from the last backup in it. Keys go "
     "only "
     "where --keys says: whoever has both can read everything. Register and folds are made again from the "
     "journal and are not copied.",
     backup_flags, cli_backup},
    {"restore", "DIR", 1, 1, "make a backup the data of an office that does not run",
     "Checks every hash first. DATA_DIR must hold no journal. What came after the backup is lost: readers "
     "that have seen it notice and fold again, numbers go on behind a gap, and letters of which it is not "
     "known whether they were sent are listed by 'deadletters list' instead of sent again.",
     restore_flags, cli_restore},
    {"fold list", "", 0, 0, "list daemons and how far each has folded", "Asks each daemon's control socket.",
     NULL, cli_fold_list},
    {"fold verify", "NAME", 1, 1, "rebuild a fold aside and compare", "Status 1 when it differs.", NULL,
     cli_fold_verify},
    {"fold rebuild", "NAME", 1, 1, "drop a fold's store and fold again", "No effect is repeated.", NULL,
     cli_fold_rebuild},
    {"fold skip", "NAME SEQ REASON", 3, 3, "let a halted fold step over one event",
     "Recorded in the journal with the reason.", NULL, cli_fold_skip},
    {"health", "[DAEMON]", 0, 1, "ask whether a daemon of this machine is ready",
     "Over HTTP, at the port in RUN_DIR/DAEMON.port; without DAEMON at port KESU_HTTP_PORT, as in a "
     "container. "
     "Prints what the daemon says: status 0 when it is ready, 1 when not yet, 69 when nobody answers.",
     NULL, cli_health},
    {"clocks", "", 0, 0, "list the clocks that are due next", "As sla-watch has armed them.", limit_flags,
     cli_clocks},
    {"workers", "", 0, 0, "list the routing workers", "With their tasks, and the queue.", NULL, cli_workers},
    {"deadletters list", "", 0, 0, "list messages that could not be delivered",
     "And those held since a rebuild.", limit_flags, cli_deadletters_list},
    {"deadletters resend", "SEQ|all", 1, 1, "try such messages again", "SEQ as deadletters list prints it.",
     NULL, cli_deadletters_resend},
    {"clock accept", "REASON", 1, 1, "say that the jumped wall clock is right",
     "Ends the clock alarm: trimming and firing go on.", NULL, cli_clock_accept},
    {"keys new", "FILE", 1, 1, "make a key pair for TCP",
     "Writes FILE (mode 0600) with the public and the secret CURVE key, and prints the public one. Its name "
     "in "
     "the allow list is the client of its commands: a daemon's key is called as the daemon.",
     keys_new_flags, cli_keys_new},
    {"keys show", "FILE", 1, 1, "print the public key of a key file",
     "And checks that the two belong together and that nobody else may read them.", NULL, cli_keys_show},
    {"keys add", "KEY NAME", 2, 2, "let a public key in",
     "Adds a line to the allow list. Running daemons see it within a second.", keys_add_flags, cli_keys_add},
    {"keys remove", "KEY|NAME", 1, 1, "let a key, or all of a name, in no more",
     "Takes the lines out of the allow list. Running daemons end all connections over TCP and let in again "
     "who "
     "is still listed.",
     keys_flags, cli_keys_remove},
    {"keys list", "[FILE]", 0, 1, "print an allow list",
     "A line each: KEY ROLE NAME, and CHANNELS when narrowed.", keys_flags, cli_keys_list},
    {"keys rotate", "FILE", 1, 1, "give a client a new pair",
     "Adds the new public key to the allow list with the role and name of the old one, then replaces FILE. "
     "Both "
     "may come until the old one is removed.",
     keys_flags, cli_keys_rotate},
    {"keys next", "", 0, 0, "prepare the daemons' next pair",
     "Makes DATA_DIR/keys/pair.next and prints its public key, for the clients' files of server keys; they "
     "try "
     "each key of theirs in turn.",
     NULL, cli_keys_next},
    {"keys switch", "", 0, 0, "put the daemons' next pair into use",
     "Running daemons see it within a second; connections are made again.", NULL, cli_keys_switch},
    {"keys roles", "", 0, 0, "print what each role may do", "As a table in Markdown.", NULL, cli_keys_roles},
    {"stages", "", 0, 0, "print the life of a case",
     "A diagram of its stages, and who takes it from which to which by what. As Markdown.", NULL, cli_stages},
    {"demo", "", 0, 0, "invent complaints",
     "In traditional and simplified Chinese and English, at a rate, with bursts. All people and numbers are "
     "invented.",
     demo_flags, cli_demo},
    {"completion", "SHELL", 1, 1, "print the completion of a shell", "SHELL is bash.", NULL, cli_completion},
    {"manual", "[COMMAND]", 0, 2, "print a manual page",
     "In the language of man: kesu manual | man -l -. Without COMMAND the page of kesu itself.", NULL,
     cli_manual},
    {"help", "[COMMAND]", 0, 2, "list the subcommands, or explain one", "The same as --help.", NULL,
     cli_help},
    {NULL, NULL, 0, 0, NULL, NULL, NULL, NULL},
};
