// Writes docs/isa.md: the instruction table in words.

import { writeGenerated } from "./generated.ts";
import { ISA_PAGE, renderIsaPage } from "./isa-page.ts";

writeGenerated(ISA_PAGE, renderIsaPage());
