//! Names of people from several writing systems, each with the ASCII form its addresses use.

use std::sync::LazyLock;

/// One person's name.
#[derive(Clone, Debug)]
pub(crate) struct PersonName {
    pub(crate) given: &'static str,
    pub(crate) surname: &'static str,
    pub(crate) given_ascii: String,
    pub(crate) surname_ascii: String,
    pub(crate) family_first: bool,
}

impl PersonName {
    /// The name as its owner writes it.
    pub(crate) fn display(&self) -> String {
        if self.family_first {
            return format!("{}{}", self.surname, self.given);
        }
        format!("{} {}", self.given, self.surname)
    }
}

/// Surnames that a careless rule for service accounts ("contains `bot`") throws away.
const BOT_LIKE: [&str; 3] = ["Abbott", "Talbot", "Botha"];

/// The name of person number `number`. Two numbers below [`distinct_names`] never share one.
pub(crate) fn person(number: u64) -> PersonName {
    let mut rest = usize::try_from(number % distinct_names()).unwrap_or_default();
    for pool in POOLS.iter() {
        if rest < pool.size() {
            return pool.name(rest);
        }
        rest -= pool.size();
    }
    POOLS[0].name(0)
}

/// A person called Abbott, Talbot or Botha; these surnames are in no pool.
pub(crate) fn bot_like_person(number: usize) -> PersonName {
    let given = &POOLS[0].given[number % POOLS[0].given.len()];
    let surname = BOT_LIKE[number % BOT_LIKE.len()];
    PersonName {
        given: given.native,
        surname,
        given_ascii: given.ascii.clone(),
        surname_ascii: surname.to_ascii_lowercase(),
        family_first: false,
    }
}

/// How many people have a name of their own.
pub(crate) fn distinct_names() -> u64 {
    static TOTAL: LazyLock<u64> = LazyLock::new(|| POOLS.iter().map(|pool| pool.size() as u64).sum());
    *TOTAL
}

/// The ASCII spelling of `number`'s maiden name: some surname of the same pool.
pub(crate) fn former_surname(number: u64) -> &'static str {
    let pool = &POOLS[0];
    let index = usize::try_from(number % pool.surnames.len() as u64).unwrap_or_default();
    &pool.surnames[index].ascii
}

struct Spelling {
    native: &'static str,
    ascii: String,
}

struct Pool {
    given: Vec<Spelling>,
    surnames: Vec<Spelling>,
    family_first: bool,
}

impl Pool {
    fn new(given: &'static str, surnames: &'static str, family_first: bool) -> Self {
        Self { given: spellings(given), surnames: spellings(surnames), family_first }
    }

    fn size(&self) -> usize {
        self.given.len() * self.surnames.len()
    }

    fn name(&self, index: usize) -> PersonName {
        let given = &self.given[index % self.given.len()];
        let surname = &self.surnames[index / self.given.len()];
        PersonName {
            given: given.native,
            surname: surname.native,
            given_ascii: given.ascii.clone(),
            surname_ascii: surname.ascii.clone(),
            family_first: self.family_first,
        }
    }
}

/// Words apart by white space; `native:ascii` where the two differ by more than letter case.
fn spellings(words: &'static str) -> Vec<Spelling> {
    let spelling = |word: &'static str| match word.split_once(':') {
        Some((native, ascii)) => Spelling { native, ascii: ascii.to_owned() },
        None => Spelling { native: word, ascii: word.to_ascii_lowercase() },
    };
    words.split_whitespace().map(spelling).collect()
}

static POOLS: LazyLock<Vec<Pool>> = LazyLock::new(|| {
    vec![
        Pool::new(ENGLISH_GIVEN, ENGLISH_SURNAMES, false),
        Pool::new(ACCENTED_GIVEN, ACCENTED_SURNAMES, false),
        Pool::new(CYRILLIC_GIVEN, CYRILLIC_SURNAMES, false),
        Pool::new(CHINESE_GIVEN, CHINESE_SURNAMES, true),
        Pool::new(JAPANESE_GIVEN, JAPANESE_SURNAMES, true),
        Pool::new(ARABIC_GIVEN, ARABIC_SURNAMES, false),
    ]
});

const ENGLISH_GIVEN: &str = "Emma Liam Olivia Noah Ava Ethan Sophia Mason Grace Logan Ruby Owen Chloe Lucas Ella \
    Henry Zoe Jack Amelia Samuel Hannah Daniel Lily Oscar Nora Thomas Alice Adam Freya Joseph Maya Victor Iris Simon \
    Clara Hugo Stella Edward Naomi Peter Rachel Martin Julia Aaron Helen Patrick Laura Marcus Diana Philip Joan Kevin \
    Tessa Brian Anita Ralph Gwen Colin Priya Rohan";

const ENGLISH_SURNAMES: &str = "Smith Jones Taylor Brown Williams Wilson Johnson Davies Patel Wright Walker White \
    Hall Green Wood Martin Harris Clarke Jackson Turner Hill Moore Cooper Ward Morris King Watson Baker Harrison \
    Morgan Young Allen Mitchell Anderson Phillips Lee Bell Parker Davis Bennett Miller Cook Shaw Richardson Carter \
    Collins Marshall Bailey Gray Cox Adams Wilkinson Foster Chapman Mason Russell Powell Webb Rogers Hunt Mills \
    Holmes Palmer Matthews Gibson Fisher Barnes Knight Lloyd Butler Price Hughes Barker Stevens Murphy O'Brien \
    O'Connor Fletcher Pearson Dixon Harvey Ellis Kaur Singh Sharma Okafor Mensah Van-Dyk Smith-Jones Lindqvist";

const ACCENTED_GIVEN: &str = "Jürgen:juergen Anaïs:anais Søren:soeren Zoë:zoe Björn:bjoern Françoise:francoise \
    José:jose Łukasz:lukasz Žofie:zofie Štěpán:stepan René:rene Håkon:haakon Åse:aase Íñigo:inigo Renée:renee \
    Ömer:oemer Çağla:cagla Kęstutis:kestutis Mārtiņš:martins Ágnes:agnes Jörg:joerg Ève:eve Núria:nuria André:andre \
    Günther:guenther Chloé:chloe Inês:ines Zbyněk:zbynek Małgorzata:malgorzata Ðorđe:djordje Þóra:thora Màiri:mairi \
    Siân:sian Eirlys Dieter Mira Ingrid Lars Matteo Giulia";

const ACCENTED_SURNAMES: &str = "Müller:mueller Groß:gross Núñez:nunez Ångström:aangstroem Øverland:oeverland \
    Dvořák:dvorak Wałęsa:walesa Đurić:djuric Gómez:gomez Lefèvre:lefevre Görgülü:goergulu Mäkinen:maekinen \
    Sánchez:sanchez Bělohlávek:belohlavek Schröder:schroeder Østergård:oestergaard Þórsson:thorsson Çelik:celik \
    Szabó:szabo Čapek:capek Blažek:blazek Kovač:kovac Żuraw:zuraw Băsescu:basescu Pérez:perez Bjørnstad:bjoernstad \
    Fjærli:fjaerli Weiß:weiss Häkkinen:haekkinen Gonçalves:goncalves Conceição:conceicao Strömberg:stroemberg \
    Üstün:uestuen Leclère:leclere D'Amico:d'amico Sund Berg Rossi Nowak Janssen";

const CYRILLIC_GIVEN: &str = "Анна:anna Олександр:oleksandr Иван:ivan Ольга:olha Дмитрий:dmitrii Наталія:nataliia \
    Сергей:sergei Марија:marija Никола:nikola Катерина:kateryna Борис:boris Юлія:yuliia Стоян:stoyan Ирина:irina";

const CYRILLIC_SURNAMES: &str = "Шевченко:shevchenko Иванова:ivanova Петров:petrov Коваленко:kovalenko \
    Смирнова:smirnova Бондар:bondar Јовановић:jovanovic Георгиев:georgiev Кузнецов:kuznetsov Мельник:melnyk \
    Ткаченко:tkachenko Соколова:sokolova Димитров:dimitrov Щербак:shcherbak Зайцев:zaitsev Павленко:pavlenko";

const CHINESE_GIVEN: &str = "伟:wei 芳:fang 娜:na 秀英:xiuying 敏:min 静:jing 强:qiang 磊:lei 洋:yang 艳:yan \
    勇:yong 杰:jie";

const CHINESE_SURNAMES: &str = "王:wang 李:li 张:zhang 刘:liu 陈:chen 杨:yang 黄:huang 赵:zhao 吴:wu 周:zhou \
    徐:xu 孙:sun";

const JAPANESE_GIVEN: &str =
    "大輔:daisuke 陽子:yoko 健:ken 美咲:misaki 翔太:shota 結衣:yui さくら:sakura 一郎:ichiro";

const JAPANESE_SURNAMES: &str = "佐藤:sato 鈴木:suzuki 高橋:takahashi 田中:tanaka 渡辺:watanabe 伊藤:ito 山本:yamamoto \
    中村:nakamura";

const ARABIC_GIVEN: &str = "محمد:mohammed فاطمة:fatima أحمد:ahmed عائشة:aisha يوسف:youssef مريم:maryam خالد:khalid \
    ليلى:layla عمر:omar زينب:zaynab";

const ARABIC_SURNAMES: &str = "الخطيب:alkhatib حداد:haddad المصري:almasri نجار:najjar خوري:khoury الشامي:alshami \
    عباس:abbas منصور:mansour القاسم:alqasim بشارة:bishara";

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_number_below_the_total_has_an_address_of_its_own() {
        let addresses: HashSet<String> = (0..distinct_names())
            .map(person)
            .map(|name| format!("{}.{}", name.given_ascii, name.surname_ascii))
            .collect();
        assert_eq!(addresses.len() as u64, distinct_names());
        assert!(addresses.iter().all(|address| address.is_ascii()));
    }
}
