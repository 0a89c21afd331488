"""What counts as a secret, and how large a value may be (contract 7): declarations only.

Three tables. *Names*: words and word pairs that make the value under a name secret, in mappings and
inside text alike. *Rules*: kinds of secrets that are recognised by their looks. *Sizes*.

Read beside the rules, for any implementation of them:

- a `pattern` is matched over bytes, again and again, each rule on the text as it came; overlapping
  and adjacent spans are merged before they are masked, so that no rule can hide another's tail;
- a `named_*` pattern begins with `NAMED_HEAD`, at a sensitive stem: the name is widened to the left
  over `[A-Za-z0-9_.-]` (an escape such as `\\n` or `%3F` before it is tried as no part of it) and judged
  like a mapping key; a value of `INNOCENT`, or after `: ` a word of `PROSE`, survives, and so does code:
  `api_key=settings.api_key`, `token=make_token(`;
- `card_number` matches a run of digits: within it, whole groups of digits make a card if Luhn,
  `CARD_RANGES` and either `CARD_GROUPS` hold or a word of `CARD_WORDS` is in the key or in the 40
  bytes before; no card touches a letter or digit (an escape such as `\\n` or `%20` before it is none), is
  part of a decimal, or stands under an `*_id` key;
- `bearer` and `exchange_key` need a digit or symbol, or eight characters that are no word of `PROSE`;
- `basic` needs padding, or base64 of something with a colon.
"""

from __future__ import annotations

from tradewise_otel.catalogue.vocabulary import SecretRule


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


MASK = "***REDACTED***"
CUT = "...[truncated]"

STRING_LIMIT = 1024
STACK_LIMIT = 16 * 1024
SQL_LIMIT = 4 * 1024
USER_AGENT_LIMIT = 512
DEPTH_LIMIT = 8
KEYS_LIMIT = 128
ITEMS_LIMIT = 64
NODES_LIMIT = 4096
"""Values in one record at most: eight levels of 64 items each would otherwise never end."""

MATCHES_LIMIT = 1024
"""Candidates of one rule in one text; from there on the text is masked whole, which bounds the time."""

FIELD_LIMITS = {
    "stack_trace": STACK_LIMIT,
    "exception.stacktrace": STACK_LIMIT,
    "query": SQL_LIMIT,
    "db.statement": SQL_LIMIT,
    "db.query.text": SQL_LIMIT,
    "user_agent": USER_AGENT_LIMIT,
    "user_agent.original": USER_AGENT_LIMIT,
}
"""Longest string in characters, by field name, where it is not `STRING_LIMIT`."""

SQL_KEYS = ("db.query.text", "db.statement")
"""Attributes whose text is SQL whoever sends them: literals become placeholders before anything else."""

WORDS = _words(
    "password passwords passwd pwd passphrase passcode secret secrets token apikey apikeys apitoken "
    "accesstoken refreshtoken authtoken idtoken csrftoken xsrftoken sessiontoken secretkey privatekey "
    "accesskey clientsecret authorization cookie cookies setcookie credential credentials dsn jwt "
    "mnemonic otp cvv cvc pgpassword dbpassword userpassword newpassword oldpassword"
)
"""Lower-case words that make a name sensitive wherever they stand in it."""

LAST_WORDS = frozenset({"key", "session"})
"""Sensitive as the last word only: `key`, `bot_key`, but not `key_count`, `session_id`."""

PAIRS = frozenset(
    {
        *(("api", w) for w in ("key", "keys", "token", "tokens", "secret")),
        *((w, "tokens") for w in ("access", "refresh", "auth", "bearer")),
        *(("private", w) for w in ("key", "keys")),
        *((w, "keys") for w in ("secret", "signing", "encryption")),
        *(("pass", w) for w in ("word", "phrase", "code", "wd")),
        ("secret", "id"),
        ("seed", "phrase"),
    }
)
"""Neighbouring words that make a name sensitive, whatever follows but a lifting word of `MEASURES`."""

MEASURES = _words(
    "count counts limit limits type types ttl length len size bytes usage used remaining budget total max "
    "min age at expires expiry expired expiration version status state valid invalid enabled required "
    "changed attempts failed failures error errors url uri endpoint policy strength latency ms seconds "
    "bucket rate index cost supply arn"
)
"""Last words that say something about a secret and lift the suspicion: `token_count`, `token_ttl`."""

LABELS = _words("id ids name names symbol address pair price balance decimals standard")
"""Last words that lift `token`, `key` and `session` alone: `token_id`, `session_id`, `token_symbol`."""

PLAIN_FIRST = _words("has is max min num needs requires")
"""First words that make a name a number or a yes: `has_password`, `max_token`."""

PLAIN_KEYS = _words(
    "cache primary foreign idempotency partition routing sort group row message dedup lock public object "
    "translation feature flag config search registry redis storage store job event metric dict index "
    "unique composite join lookup map order hash range bucket natural surrogate candidate "
    "ordering"
)
"""Words before a last `key` that make it an identifier: `cache_key`, `idempotency_key`."""

INNOCENT = (
    r"(?i:\?+|%s?|%\([a-z0-9_]+\)s|\$[0-9]+|:+[a-z_][a-z0-9_]*|@[a-z_][a-z0-9_]*|\$?\{[a-z0-9_. ]*\}|\*+|\.+"
    r"|[\[<(]?(?:redacted|filtered|masked|hidden)[\])>]?|<[a-z_ ]+>|null|none|nil|undefined|true|false|n/a)"
)
"""Whole values under a sensitive name that hide nothing: placeholders, other people's masks, null."""

PROSE = _words(
    "a an and any are auth authentication authorization bad be bearer basic been but can cannot check "
    "connection could credentials denied did digest does empty error expected expired expires failed "
    "failure format forbidden for from got had has have header headers http https if in incorrect invalid "
    "is issued length malformed mismatch missing must no not of on only or please realm refresh refused "
    "rejected required revoked rotation scheme should signature str string the this timeout "
    "timed to token tokens too type unauthorized unexpected unknown unsupported use was were "
    "when will with wrong optional int bytes object refreshed rotated updated"
)
"""Words that follow a sensitive name and a colon, or `Bearer`, in plain sentences."""

CARD_WORDS = _words(
    "card cards visa mastercard amex discover diners jcb unionpay pan cc ccnum creditcard credit debit "
    "payment cardnumber"
)
CARD_RANGES: tuple[tuple[int, int, tuple[int, ...]], ...] = (
    (400000, 499999, (13, 16, 19)),
    (510000, 559999, (16,)),
    (222100, 272099, (16,)),
    (340000, 349999, (15,)),
    (370000, 379999, (15,)),
    (300000, 305999, (14, 16)),
    (360000, 369999, (14,)),
    (380000, 399999, (14, 16)),
    (352800, 358999, (16, 17, 18, 19)),
    (601100, 601199, (16, 19)),
    (644000, 659999, (16, 19)),
    (620000, 629999, (16, 17, 18, 19)),
)
"""Card issuers: first and last six-digit prefix, and the lengths they issue."""

CARD_GROUPS = frozenset({(4, 4, 4, 4), (4, 4, 4, 4, 3), (4, 6, 5), (4, 6, 4)})
"""Sizes of the groups of digits in which cards are printed."""

# A name in text: stems that count anywhere in it with the rest of the name, or last words.
_NAME = (
    r"(?:(?:passw(?:or)?d|passphrase|passcode|pwd|secret|token|api[_.-]?key|authorization|cookie|credential"
    r"|private[_.-]?key|seed[_.-]?phrase|dsn|jwt|mnemonic|otp|cvv|cvc)[a-z0-9_.-]{0,40}"
    r"|(?:key|session)[_-]?v?[0-9]{0,4})"
)
_SEP = r"(?:[\\\"'`\]]|%2[27]){0,12}[ \t]{0,8}(?:=>|:=|==|[:=]|%3[ad])[ \t]{0,8}"
NAMED_HEAD = rf"(?i:{_NAME}{_SEP})"
"""A name with a sensitive stem and what separates it from its value."""

_KEYWORDS = tuple(
    sorted(
        _words(
            "password passwd passphrase passcode pwd secret token key authorization cookie credential "
            "phrase dsn jwt mnemonic otp cvv cvc session"
        )
    )
)
# Raw JSON: a name's own closing quote is escaped inside text and bare in the record's structure, so a
# bare quote does not count and `"session_id":` in every record costs nothing.
_NAMED_RAW = (
    r"(?i:(?:(?:passw|passphrase|passcode|pwd|secret|token|api[_.-]?key|authorization|cookie|credential"
    r"|private[_.-]?key|seed[_.-]?phrase|dsn|jwt|mnemonic|otp|cvv|cvc)[a-z0-9_.-]*|(?:key|session)[_-]?v?[0-9]*)"
    r"(?:\\[\\\"t]|['`\] ]|%2[27])*(?:[:=]|%3))"
)
ESCAPE = r"(?:\\(?:[bfnrt]|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4})|%[0-9A-Fa-f]{2})"
"""RE2 pattern of an escape in text: of JSON or a repr (`\\n`), of a URL (`%20`)."""

START = rf"(?:\b|_|{ESCAPE})"
"""RE2 pattern of where a secret without a name may begin: also behind an escape, which ends in what looks
like its first letter (`\\nAKIA…`, `%20AKIA…`)."""
START_BOT = rf"(?:{START}|bot)"
"""The same for Telegram's tokens, which stand in URLs as `/bot<token>/`."""

_SCHEME = r"(?i:(?:bearer|basic|token|digest|apikey|negotiate|bot)(?:[ \t]|%20|\+)+)?"

RULES: tuple[SecretRule, ...] = (
    SecretRule(
        "named_double", _KEYWORDS, NAMED_HEAD + r"[a-zA-Z]{0,2}\"((?:[^\"\\]|\\(?s:.))+)", _NAMED_RAW,
        'body {"user": "bob", "password": "hunter2 \\" x"}', '{"token_count": "12", "monkey": "george"}',
    ),
    SecretRule(
        "named_escaped", _KEYWORDS,
        NAMED_HEAD + r"\\\"((?:[^\"\\]|\\\\(?:\\[\"\\]|[^\"\\])|\\[^\"\\])+)", _NAMED_RAW,
        r'payload "{\"api_key\":\"k-91 \\\" tail\",\"a\":1}"', r'payload "{\"keyboard\":\"qwerty\"}"',
    ),
    SecretRule(
        "named_deep", _KEYWORDS,
        NAMED_HEAD + r"\\{2,8}\"((?:[^\"\\]|\\+[^\"\\]|(?:\\{8})*\\{7}\")+)", _NAMED_RAW,
        r'"{\\\"secret\\\":\\\"s3cr3t\\\"}"', r'"{\\\"author\\\":\\\"bob\\\"}"',
    ),
    SecretRule(
        "named_single", _KEYWORDS, NAMED_HEAD + r"[a-zA-Z]{0,2}\\{0,4}'((?:[^'\\]|\\(?s:.)|'')+)", _NAMED_RAW,
        "UPDATE users SET password = 'it''s hunter2' WHERE id = 3", "WHERE token_type = 'access'",
    ),
    SecretRule(
        "named_object", _KEYWORDS, NAMED_HEAD + r"([{\[][^{}\[\]]{0,1000}[}\]])", _NAMED_RAW,
        'got "credentials": {"login": "zoe", "pin": "991"} from bot', '"session_ids": ["a1", "b2"]',
    ),
    SecretRule(
        "named_bare", _KEYWORDS,
        NAMED_HEAD + _SCHEME + r"((?:[^\x00-\x20\"'`&,;<>(){}\[\]\\]|\\[^\"'\x00-\x20\\])+)", _NAMED_RAW,
        "GET /v1/orders?symbol=BTCUSDT&api_token=tk-55ab9&limit=5", "session_id=sess-12 token_limit=4096",
    ),
    SecretRule(
        "header_line", ("authorization", "cookie"),
        r"(?i:(?:authorization|cookie)[ \t]{0,8}:[ \t]{0,8})([^\x00-\x20\"'\\][^\x00-\x1f\"'\\]*)",
        r"(?i:(?:authorization|cookie)(?: |\\t)*:)",
        "Cookie: sid=31d4d96e407aad42; theme=dark", "authorization_failed: 3",
    ),
    SecretRule(
        "cli_option", _KEYWORDS,
        rf"--(?i:[a-z0-9-]{{0,40}}{_NAME})[ \t]{{1,8}}([^\x00-\x20\"'-][^\x00-\x20\"']*)",
        r"--(?i:[a-z0-9_.-]*(?:passw|passphrase|passcode|pwd|secret|token|key|authorization|cookie|credential"
        r"|phrase|dsn|jwt|mnemonic|otp|cvv|cvc|session))",
        "bot --api-key 9f8e7d6c --verbose", "bot --keyboard qwerty --token-limit 10",
    ),
    SecretRule(
        "sql_password", ("identified", "password"),
        r"(?i:(?:identified[ \t]{1,4}by|password)[ \t]{1,4})'((?:[^'\\]|\\(?s:.)|'')+)",
        r"(?i:(?:identified(?: |\\t)+by|password)(?: |\\t)+')",
        "ALTER ROLE bot WITH PASSWORD 'hunter2'", "password is 'required'",
    ),
    SecretRule(
        "bearer", ("bearer",), r"(?i:bearer(?:[ \t]|%20|\+){1,8})([A-Za-z0-9._~+/=-]{4,})",
        r"(?i:bearer(?: |\\t|%20|\+)+[a-z0-9._~+/=-]{4})",
        "upstream said 401 to Bearer 7Fa9_kQ2.xx", "Bearer authentication is required, bearer of news",
    ),
    SecretRule(
        "basic", ("basic",), r"(?i:basic(?:[ \t]|%20|\+){1,8})([A-Za-z0-9+/_-]{6,}={0,2})",
        r"(?i:basic(?: |\\t|%20|\+)+[a-z0-9+/_-]{6})",
        "sent Basic Ym9iOmh1bnRlcjI= to bot", "basic information about Basic authentication",
    ),
    SecretRule(
        "jwt", ("eyj",),
        START + r"(eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{2,}(?:\.[A-Za-z0-9_-]*){0,3})",
        r"eyJ[A-Za-z0-9_-]{5}",
        "got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJib2IifQ.c2lnbmF0dXJl back", "keyJson.loads.call and eyJ0",
    ),
    SecretRule(
        "pem_private_key", ("private key",),
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----"
        r"(?:[^-]|-{1,4}[^-])*(?:-----END[^-]{0,60}-----)?",
        r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIBOgIBAAJBAK\nj34G\n-----END RSA PRIVATE KEY----- loaded",
        "-----BEGIN PUBLIC KEY-----\nMFwwDQYJ\n-----END PUBLIC KEY-----",
    ),
    SecretRule(
        "aws_access_key", ("akia", "asia", "abia", "acca"),
        START + r"((?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16})\b",
        r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}",
        "S3 upload with AKIAQ3EGRIXV7EXAMPLE failed", "ASIA markets open, AKIA12",
    ),
    SecretRule(
        "aws_secret", ("aws",),
        r"(?i:aws[a-z0-9_ .-]{0,32}[\\\"':= \t>]{1,8})([A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|$)",
        r"(?i:aws(?:[a-z0-9_ .':=>-]|\\[\\\"t])*[a-z0-9/+]{40})",
        "aws prod wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY!", "aws region eu-central-1 request 7f1c2a",
    ),
    SecretRule(
        "aws_session_token", ("fwogzxivyxdz", "iqojb3jpz2lu"),
        r"(?:FwoGZXIvYXdz|IQoJb3JpZ2lu)[A-Za-z0-9/+=_-]{16,}", r"(?:FwoGZXIvYXdz|IQoJb3JpZ2lu)",
        "sts gave IQoJb3JpZ2luX2VjEJr1aGllbnRzL3Rlc3Q=", "IQoJb3JpZ2lu is a prefix",
    ),
    SecretRule(
        "gcp_api_key", ("aiza",), r"AIza[A-Za-z0-9_-]{35}", r"AIza[A-Za-z0-9_-]{35}",
        "maps?q=1 AIzaSyA1bC2dE3fG4hI5jK6lM7nO8pQ9rS0tU1v ok", "AIza is how they begin",
    ),
    SecretRule(
        "gcp_oauth", ("ya29.", "gocspx-", "1//0"),
        START + r"(ya29\.[A-Za-z0-9_-]{10,}|GOCSPX-[A-Za-z0-9_-]{10,}|1//0[A-Za-z0-9_-]{20,})",
        r"(?:ya29\.|GOCSPX-|1//0)[A-Za-z0-9_-]{10}",
        "refresh gave ya29.a0AfH6SMBx4Kq_9", "ya29 and 1//0 in a path",
    ),
    SecretRule(
        "azure_key", ("accountkey", "sharedaccesskey"),
        r"(?i:(?:account|sharedaccess)key[ \t]{0,4}=[ \t]{0,4})([A-Za-z0-9+/=%]{8,})",
        r"(?i:(?:account|sharedaccess)key(?: |\\t)*=)",
        "Endpoint=sb://t.net/;SharedAccessKey=bG9uZ2tleWxvbmdrZXk=", "SharedAccessKeyName=RootManage",
    ),
    SecretRule(
        "azure_client_secret", ("q~",), START + r"([A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34})",
        r"[0-9]Q~[A-Za-z0-9_~.-]{31}",
        "app uses abC8Q~x1Y2z3A4b5C6d7E8f9G0h1I2j3K4l5M6 now", "8Q~short",
    ),
    SecretRule(
        "github_token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        r"(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})",
        r"(?:gh[pousr]_|github_pat_)[A-Za-z0-9_]{20}",
        "clone ghp_16C7e42F292c6912E7710c838347Ae178B4a done", "ghp_short github_pat_",
    ),
    SecretRule(
        "gitlab_token", ("glpat-", "glptt-", "gldt-", "glrt-", "glcbt-", "glsoat-"),
        r"gl(?:pat|ptt|dt|rt|cbt|soat)-[A-Za-z0-9_-]{16,}", r"gl(?:pat|ptt|dt|rt|cbt|soat)-[A-Za-z0-9_-]{16}",
        "ci used glpat-Xy12Zw34Uv56Ts78Rq90", "glpat-1",
    ),
    SecretRule(
        "slack_token", ("xox", "xapp-"), START + r"(x(?:ox[a-z]|app)-[A-Za-z0-9-]{8,})",
        r"x(?:ox[a-z]|app)-[A-Za-z0-9-]{8}",
        "posted with xoxb-2345678901-AbCdEfGhIj", "xoxo, see you",
    ),
    SecretRule(
        "slack_webhook", ("hooks.slack.com",),
        r"(?i:hooks\.slack\.com/(?:services|workflows|triggers)/)([A-Za-z0-9_/-]{8,})",
        r"(?i:hooks\.slack\.com/)",
        "POST https://hooks.slack.com/services/T0AB12CD3/B0EF45GH6/iJkLmNoPqRsT 404", "hooks.slack.com/docs",
    ),
    SecretRule(
        "stripe_key", ("sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_"),
        r"(?:[rs]k_(?:live|test)_[A-Za-z0-9]{8,}|whsec_[A-Za-z0-9+/=]{16,})",
        r"(?:[rs]k_(?:live|test)_[A-Za-z0-9]{8}|whsec_)",
        "charge with sk_live_4eC39HqLyjWDarjt failed", "pk_live_4eC39HqLyjWDarjt is public",
    ),
    SecretRule(
        "sendgrid_key", ("sg.",), START + r"(SG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,})",
        r"SG\.[A-Za-z0-9_-]{16}",
        "mail SG.ngeVfQFYQlKU0ufo8x5d1A.TwL2iGABf9DHoTf09kqeF8tAmbihYzrnopKc1s5cr", "SG.1 and MSG.x",
    ),
    SecretRule(
        "twilio_key", ("sk",), START + r"(SK[0-9a-f]{32})\b", r"SK[0-9a-f]{32}",
        "sms through SK0123456789abcdef0123456789abcdef", "SKU 0123456789 and SKabc",
    ),
    SecretRule(
        "twilio_token", ("twilio",), r"(?i:twilio[a-z0-9_ .,:=/\"'>-]{0,60}?)\b([0-9a-f]{32})\b",
        r"(?i:twilio)",
        "twilio AC says 4f1c0de4f1c0de4f1c0de4f1c0de4f1c", "twilio message 12 sent",
    ),
    SecretRule(
        "telegram_bot_token", (":aa",), START_BOT + r"([0-9]{6,12}:AA[A-Za-z0-9_-]{30,})",
        r"[0-9]{6}:AA[A-Za-z0-9_-]{30}",
        "https://api.telegram.org/bot110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw4/getMe",
        "12:AA at 110201543:AAx",
    ),
    SecretRule(
        "llm_key", ("sk-",), START + r"(sk-(?:[A-Za-z0-9]{32,}|(?:proj|ant|svcacct|or)-[A-Za-z0-9_-]{20,}))",
        r"sk-(?:[A-Za-z0-9]{32}|(?:proj|ant|svcacct|or)-[A-Za-z0-9_-]{20})",
        "model call with sk-proj-Ab12Cd34Ef56Gh78Ij90Kl failed", "risk-or-reward, task-antagonist",
    ),
    SecretRule(
        "exchange_key",
        ("binance", "bybit", "coinbase", "kraken", "okx", "kucoin", "bitget", "bitfinex", "bitmex", "deribit",
         "bitstamp", "gateio", "huobi", "gemini", "alpaca"),
        r"(?i:(?:binance|bybit|coinbase|kraken|okx|kucoin|bitget|bitfinex|bitmex|deribit|bitstamp|gateio|huobi"
        r"|gemini|alpaca)[a-z0-9_ .-]{0,24}(?:key|secret|passphrase|token|credentials?)[\\\"' \t:=>]{1,8})"
        r"([A-Za-z0-9+/=_-]{12,})",
        r"(?i:(?:binance|bybit|coinbase|kraken|okx|kucoin|bitget|bitfinex|bitmex|deribit|bitstamp|gateio|huobi"
        r"|gemini|alpaca)[a-z0-9_ .-]*(?:key|secret|passphrase|token|credential))",
        "Binance API key vmPUZE6mv9SDmcvb2xQ1 is not allowed from this IP",
        "binance key authentication failed",
    ),
    SecretRule(
        "url_password", ("://",), r"://[^\x00-\x20/?#@:\"'<>\\]{0,256}:([^\x00-\x20/?#\"'<>]+)@",
        r"://[^\x00-\x20/?#@:\"'<>\\]*:[^\x00-\x20/?#\"'<>]+@",
        "connect postgresql+asyncpg://trade:p@ss:w0rd@db.local:5432/trades", "https://docs.local:8443/a?to=bob@x.io",
    ),
    SecretRule(
        "url_password_slash", ("://",),
        r"://[^\x00-\x20/?#@:\"'<>\\]{0,256}:([^\x00-\x20@/?#\"'<>]*[^\x00-\x20@/?#\"'<>0-9][^\x00-\x20@/?#\"'<>]*"
        r"[/?#][^\x00-\x20@\"'<>]{0,512})@[A-Za-z0-9]",
        r"://[^\x00-\x20/?#@:\"'<>\\]*:[^\x00-\x20@\"'<>]*@",
        "redis://:ab/cd?ef@cache.local:6379/0 down", "https://docs.local:8443/@bob/x",
    ),
    SecretRule(
        "url_user_token", ("://",), r"://([A-Za-z0-9_-]{20,})@", r"://[A-Za-z0-9_-]{20}",
        "https://0123456789abcdef0123456789abcdef@o1.ingest.local/2", "ssh://deploy@git.local/x.git",
    ),
    SecretRule(
        "signed_query", ("signature", "sig="),
        r"(?i:[?&;](?:x-amz-signature|x-goog-signature|signature|sig)=)([A-Za-z0-9%+/=_.~-]{16,})",
        r"(?i:[?&;](?:x-amz-signature|x-goog-signature|signature|sig)=)",
        "GET /api/v3/account?timestamp=1&signature=c8db56825ae71d6d79447849e617115f", "?signature=none&sig=1",
    ),
    SecretRule(
        "bound_parameters", ("[parameters: ",), r"\[parameters: ([^\n]*[^\n\]])", r"\[parameters: ",
        "IntegrityError: UNIQUE [parameters: ('ada@example.com', 'hunter2')]", "query parameters: page=2",
    ),
    SecretRule(
        "card_number", (), r"[0-9](?:[ -]?[0-9]){12,}",
        rf"(?:[^0-9A-Za-z]|{ESCAPE})" r"[2-6](?:[ -]?[0-9]){12}",
        "paid with card 4111 1111 1111 1111 today", "order 4111111111111112 and id 4111111111111111",
    ),
)  # fmt: skip
"""Every kind of secret that is looked for inside text, in no particular order."""

JSON_ESCAPE_TRIGGER = r"\\\\u00[2-7]"
"""Raw form of JSON text in a string that spells plain letters as escapes, to hide a name: parsed."""
