//! Codes of countries: two letters in the contract, three in a zone.

/// ISO 3166-1: alpha-2 and alpha-3, by alpha-2.
const CODES: &str = "ADAND AEARE AFAFG AGATG AIAIA ALALB AMARM AOAGO AQATA ARARG ASASM ATAUT AUAUS AWABW AXALA AZAZE BABIH BBBRB BDBGD BEBEL \
BFBFA BGBGR BHBHR BIBDI BJBEN BLBLM BMBMU BNBRN BOBOL BQBES BRBRA BSBHS BTBTN BVBVT BWBWA BYBLR BZBLZ CACAN CCCCK CDCOD \
CFCAF CGCOG CHCHE CICIV CKCOK CLCHL CMCMR CNCHN COCOL CRCRI CUCUB CVCPV CWCUW CXCXR CYCYP CZCZE DEDEU DJDJI DKDNK DMDMA \
DODOM DZDZA ECECU EEEST EGEGY EHESH ERERI ESESP ETETH FIFIN FJFJI FKFLK FMFSM FOFRO FRFRA GAGAB GBGBR GDGRD GEGEO GFGUF \
GGGGY GHGHA GIGIB GLGRL GMGMB GNGIN GPGLP GQGNQ GRGRC GSSGS GTGTM GUGUM GWGNB GYGUY HKHKG HMHMD HNHND HRHRV HTHTI HUHUN \
IDIDN IEIRL ILISR IMIMN ININD IOIOT IQIRQ IRIRN ISISL ITITA JEJEY JMJAM JOJOR JPJPN KEKEN KGKGZ KHKHM KIKIR KMCOM KNKNA \
KPPRK KRKOR KWKWT KYCYM KZKAZ LALAO LBLBN LCLCA LILIE LKLKA LRLBR LSLSO LTLTU LULUX LVLVA LYLBY MAMAR MCMCO MDMDA MEMNE \
MFMAF MGMDG MHMHL MKMKD MLMLI MMMMR MNMNG MOMAC MPMNP MQMTQ MRMRT MSMSR MTMLT MUMUS MVMDV MWMWI MXMEX MYMYS MZMOZ NANAM \
NCNCL NENER NFNFK NGNGA NINIC NLNLD NONOR NPNPL NRNRU NUNIU NZNZL OMOMN PAPAN PEPER PFPYF PGPNG PHPHL PKPAK PLPOL PMSPM \
PNPCN PRPRI PSPSE PTPRT PWPLW PYPRY QAQAT REREU ROROU RSSRB RURUS RWRWA SASAU SBSLB SCSYC SDSDN SESWE SGSGP SHSHN SISVN \
SJSJM SKSVK SLSLE SMSMR SNSEN SOSOM SRSUR SSSSD STSTP SVSLV SXSXM SYSYR SZSWZ TCTCA TDTCD TFATF TGTGO THTHA TJTJK TKTKL \
TLTLS TMTKM TNTUN TOTON TRTUR TTTTO TVTUV TWTWN TZTZA UAUKR UGUGA UMUMI USUSA UYURY UZUZB VAVAT VCVCT VEVEN VGVGB VIVIR \
VNVNM VUVUT WFWLF WSWSM YEYEM YTMYT ZAZAF ZMZMB ZWZWE";

/// The three letters of a country, `None` if there is none of these two letters.
fn alpha_3(alpha_2: &str) -> Option<&'static str> {
    CODES.split(' ').find_map(|code| code.strip_prefix(alpha_2.to_ascii_uppercase().as_str()).filter(|_| alpha_2.len() == 2))
}

/// Whether the issuer of a zone is that country.
pub fn is_same(issuer: &str, alpha_2: &str) -> bool {
    alpha_3(alpha_2).is_some_and(|code| mrz::codes_equivalent(code, issuer))
}

/// Whether a country or an organization of this code issues documents. Utopia, of specimens, does not.
pub fn is_known(code: &str) -> bool {
    code != "UTO" && mrz::country_name(code).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_country_has_three_letters_that_zones_know() {
        assert_eq!(CODES.split(' ').count(), 249);
        for code in CODES.split(' ') {
            let (two, three) = code.split_at(2);
            assert_eq!(alpha_3(two), Some(three));
            assert!(is_known(three), "{three}");
        }
    }

    #[test]
    fn germany_has_one_letter_in_zones_and_utopia_is_nowhere() {
        assert!(is_same("D", "DE") && is_same("ESP", "es") && !is_same("ESP", "PT"));
        assert!(is_known("D") && is_known("EUE") && !is_known("UTO") && !is_known("ZZZ"));
        assert_eq!((alpha_3("X"), alpha_3(""), alpha_3("ESP")), (None, None, None));
    }
}
