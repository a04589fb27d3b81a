import { onServer } from "../../support/test-storage.ts";
import { postSearchContract } from "../../../src/contracts/post-search.contract.ts";
import { searchLanguagesContract } from "../../../src/contracts/search-languages.contract.ts";

/** The options of a database whose locale has other letters, other capitals and another order. */
const LOCALES = {
  C: "template template0 encoding 'UTF8' locale 'C'",
  "en-US": "template template0 encoding 'UTF8' locale 'C' locale_provider icu icu_locale 'en-US'",
  "tr-TR": "template template0 encoding 'UTF8' locale 'C' locale_provider icu icu_locale 'tr-TR'",
};

// PostgreSQL's own text search depends on the locale of the database. The results of a search do not.
for (const [locale, options] of Object.entries(LOCALES)) {
  const storage = onServer(`PostgreSQL with the locale ${locale}`, options);
  postSearchContract(storage);
  searchLanguagesContract(storage);
}
