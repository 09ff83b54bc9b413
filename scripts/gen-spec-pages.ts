// Writes docs/errors.md and docs/records.md: the numbers of assembly/spec in tables.

import { writeGenerated } from "./generated.ts";
import { ERRORS_PAGE, RECORDS_PAGE, renderErrorsPage, renderRecordsPage } from "./spec-pages.ts";

writeGenerated(ERRORS_PAGE, renderErrorsPage());
writeGenerated(RECORDS_PAGE, renderRecordsPage());
