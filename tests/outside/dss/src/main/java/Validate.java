import eu.europa.esig.dss.diagnostic.SignatureWrapper;
import eu.europa.esig.dss.model.FileDocument;
import eu.europa.esig.dss.spi.DSSUtils;
import eu.europa.esig.dss.spi.validation.CommonCertificateVerifier;
import eu.europa.esig.dss.spi.x509.CommonTrustedCertificateSource;
import eu.europa.esig.dss.validation.SignedDocumentValidator;
import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Says of each file that is named on a line of the standard input whether its signatures are intact, and which changes behind them it found. The arguments are trusted
 * roots (PEM). One line per file, words apart by tabs: "intact" or "broken", then the kinds of changes.
 */
public class Validate {
    public static void main(String[] roots) throws Exception {
        CommonTrustedCertificateSource trusted = new CommonTrustedCertificateSource();
        for (String root : roots) {
            trusted.addCertificate(DSSUtils.loadCertificate(new File(root)));
        }
        BufferedReader files = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String file = files.readLine(); file != null; file = files.readLine()) {
            System.out.println(String.join("\t", said(file, trusted)));
            System.out.flush();
        }
    }

    private static List<String> said(String file, CommonTrustedCertificateSource trusted) {
        List<String> words = new ArrayList<>();
        words.add("intact");
        try {
            CommonCertificateVerifier verifier = new CommonCertificateVerifier();
            verifier.setTrustedCertSources(trusted);
            SignedDocumentValidator validator = SignedDocumentValidator.fromDocument(new FileDocument(file));
            validator.setCertificateVerifier(verifier);
            List<SignatureWrapper> signatures = validator.validateDocument().getDiagnosticData().getSignatures();
            for (SignatureWrapper signature : signatures) {
                if (!signature.isSignatureIntact() || !signature.isSignatureValid()) {
                    words.set(0, "broken");
                }
                add(words, "form", signature.getPdfSignatureOrFormFillChanges());
                add(words, "annotations", signature.getPdfAnnotationChanges());
                add(words, "undefined", signature.getPdfUndefinedChanges());
                add(words, "visual", signature.getPdfVisualDifferenceConcernedPages());
                add(words, "overlap", signature.getPdfAnnotationsOverlapConcernedPages());
                add(words, "pages", signature.getPdfPageDifferenceConcernedPages());
            }
            if (signatures.isEmpty()) {
                words.set(0, "broken");
            }
        } catch (Throwable thrown) {
            // Whatever it does not like: it does not call the file intact. Also an overflow of the stack.
            words.set(0, "broken");
            words.add(thrown.getClass().getSimpleName());
        }
        return words;
    }

    private static void add(List<String> words, String word, List<?> found) {
        if (found != null && !found.isEmpty() && !words.contains(word)) {
            words.add(word);
        }
    }
}
